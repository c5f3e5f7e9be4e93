-- Appends a queued entry again, in place of where it is; after append_again.lua.
--
-- KEYS: 1 the stream, 2 the shard's state
-- ARGV: 1 the entry's number, 2 its term, 3 the store's origin where it has none yet
-- Answers its new number, or 0 where there is no such entry.

local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry or fields_of(entry).term ~= ARGV[2] then
  return 0
end
local number = append_again(KEYS[1], KEYS[2], fields_of(entry), ARGV[3])
redis.call('XDEL', KEYS[1], entry[1])
return number
