-- Takes an entry out of the stream, and keeps it among those that were set aside.
--
-- KEYS: 1 the stream, 2 the stream of those set aside
-- ARGV: 1 the entry's number, 2 why
-- Answers 1, or 0 where there is no such entry.

local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then
  return 0
end
local fields = entry[2]
for _, value in ipairs({ 'number', ARGV[1], 'why', ARGV[2] }) do
  table.insert(fields, value)
end
redis.call('XADD', KEYS[2], '*', unpack(fields))
redis.call('XDEL', KEYS[1], entry[1])
return 1
