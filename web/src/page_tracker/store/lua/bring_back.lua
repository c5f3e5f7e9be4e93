-- Appends entries again that a lake had, and has lost; after append_again.lua.
--
-- KEYS: 1 the stream of those kept, 2 the stream, 3 the shard's state
-- ARGV: 1 the number up to which the lake has them, 2 their origin
-- Answers how many there were.

local found = 0
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], (ARGV[1] + 1) .. '-0', '+')) do
  local fields = fields_of(entry)
  if fields.origin == ARGV[2] then
    fields.kept = nil
    append_again(KEYS[2], KEYS[3], fields, fields.origin)
    redis.call('XDEL', KEYS[1], entry[1])
    found = found + 1
  end
end
return found
