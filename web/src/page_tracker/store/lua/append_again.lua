-- For scripts that append an entry again, under the store's present origin; after
-- entries.lua. Its hits keep their numbers, and so the origin that they were born under.
-- Answers its new number.

local function append_again(stream, key_of_state, fields, new_origin)
  local state = redis.call('HMGET', key_of_state, 'origin', 'number', 'total')
  local origin = state[1] or new_origin
  local number = math.max(state[2] or 0, last_number(stream)) + 1
  local total = (state[3] or 0) + (tonumber(fields.rows) or 0)
  fields.born = fields.born or fields.origin
  fields.origin, fields.total, fields.why, fields.number = origin, total, nil, nil
  fields.term = present_term()
  local flat = {}
  for name, value in pairs(fields) do
    table.insert(flat, name)
    table.insert(flat, value)
  end
  redis.call('XADD', stream, number .. '-0', unpack(flat))
  redis.call('HSET', key_of_state, 'origin', origin, 'number', number, 'total', total)
  return number
end
