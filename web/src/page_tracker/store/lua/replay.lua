-- Appends an entry that was set aside to the stream again.
--
-- KEYS: 1 the stream of those set aside, 2 the stream, 3 the shard's state
-- ARGV: 1 the entry's id, 2 the store's origin where it has none yet
-- Answers its new number, or 0 where there is no such entry.

local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then
  return 0
end
local fields = fields_of(entry)
local state = redis.call('HMGET', KEYS[3], 'origin', 'number', 'total')
local origin = state[1] or ARGV[2]
local number = math.max(state[2] or 0, last_number(KEYS[2])) + 1
local total = (state[3] or 0) + (tonumber(fields.rows) or 0)
fields.born = fields.born or fields.origin
fields.origin, fields.total, fields.why, fields.number = origin, total, nil, nil
local flat = {}
for name, value in pairs(fields) do
  table.insert(flat, name)
  table.insert(flat, value)
end
redis.call('XADD', KEYS[2], number .. '-0', unpack(flat))
redis.call('HSET', KEYS[3], 'origin', origin, 'number', number, 'total', total)
redis.call('XDEL', KEYS[1], ARGV[1])
return number
