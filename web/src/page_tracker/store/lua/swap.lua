-- Changes a hash where it still has the version that the change was decided on.
--
-- KEYS: 1 the hash
-- ARGV: 1 that version, empty for none; 2 the new one; 3 how many fields to remove; then
--       those fields, and each field to put with its value
-- Answers 1, or 0 where it has another version.

local version = redis.call('HGET', KEYS[1], '@version') or ''
if version ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], '@version', ARGV[2])
for i = 4, 3 + ARGV[3] do
  redis.call('HDEL', KEYS[1], ARGV[i])
end
for i = 4 + ARGV[3], #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
return 1
