-- How long an address has to wait for its next guess, for the scripts that follow.
--
-- KEYS: 1 the times of wrong guesses, in milliseconds, the last one first
-- ARGV: 1 how many there may be, 2 within how many milliseconds
-- Where there are as many as there may be, the oldest says when there may be one more.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local oldest = redis.call('LINDEX', KEYS[1], ARGV[1] - 1)
local left = oldest and math.max(0, oldest + ARGV[2] - now) or 0

