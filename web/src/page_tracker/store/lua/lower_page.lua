-- Takes views off a page of a shard, then off the other pages, and off the site's total.
--
-- KEYS: 1 the hash of pages, 2 the hash of totals
-- ARGV: 1 the site, 2 the path, 3 how many
-- Answers how many are left to take off other shards.

local left = tonumber(ARGV[3])
for _, path in ipairs({ ARGV[2], OTHER }) do
  local views = tonumber(redis.call('HGET', KEYS[1], path) or 0)
  local less = math.min(views, left)
  if less > 0 then
    if redis.call('HINCRBY', KEYS[1], path, -less) == 0 then
      redis.call('HDEL', KEYS[1], path)
    end
    redis.call('HINCRBY', KEYS[2], ARGV[1], -less)
    left = left - less
  end
end
return left
