-- Answers how many milliseconds there are to wait; after guesses_left.lua.

return left
