-- Notes that a writer is at work, and forgets those that have not said so lately.
--
-- KEYS: 1 the writers, by when they were last heard of, in milliseconds
-- ARGV: 1 its name, 2 for how many milliseconds it is believed
-- Answers the names of all that are at work.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
return redis.call('ZRANGE', KEYS[1], 0, -1)
