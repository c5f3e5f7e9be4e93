-- Lowers a sum of a shard's day, or raises it by a negative number.
--
-- KEYS: 1 the day's hash, `today`
-- ARGV: 1 the sum's name, 2 by how much
-- Answers how much is left to take off other shards.

local sum = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0)
local less = math.min(sum, tonumber(ARGV[2]))
if less ~= 0 then
  redis.call('HINCRBY', KEYS[1], ARGV[1], -less)
end
return ARGV[2] - less
