-- load.lua at a pace: PACE is the mean of milliseconds between an answer and the next
-- request of a connection.
dofile(os.getenv("LOAD"))
local pace = tonumber(os.getenv("PACE"))
function delay() return math.random() * 2 * pace end
