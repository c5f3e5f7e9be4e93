-- Appends an entry that was set aside to the stream again; after append_again.lua.
--
-- KEYS: 1 the stream of those set aside, 2 the stream, 3 the shard's state
-- ARGV: 1 the entry's id, 2 the store's origin where it has none yet
-- Answers its new number, or 0 where there is no such entry.

local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then
  return 0
end
local number = append_again(KEYS[2], KEYS[3], fields_of(entry), ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[1])
return number
