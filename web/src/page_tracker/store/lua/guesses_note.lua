-- Notes a wrong guess, where there may be one; after guesses_left.lua.
-- Answers how many milliseconds there are to wait: 0 where it was noted.

if left == 0 then
  redis.call('LPUSH', KEYS[1], now)
  redis.call('LTRIM', KEYS[1], 0, ARGV[1] - 1)
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return left
