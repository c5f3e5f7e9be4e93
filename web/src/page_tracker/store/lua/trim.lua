-- Removes the entries up to a number, unless the last of them is of another origin, or
-- of another term where one is given.
--
-- KEYS: 1 the stream, 2 the shard's state, 3 the stream of those kept
-- ARGV: 1 the number, 2 the origin, 3 the term; or empty, 4 the lake that has them, 5 for
--       how many seconds they are kept, in case that it loses them
-- Answers how many entries it removed; -1 where stream or lake were moved: whoever goes
-- on elsewhere may need them.

local left = redis.call('HMGET', KEYS[2], 'moved_to', 'left_lake')
if left[1] or left[2] == ARGV[4] then
  return -1
end

local last = redis.call('XREVRANGE', KEYS[1], ARGV[1], '-', 'COUNT', 1)[1]
if not last then
  return 0
end
local fields = fields_of(last)
if fields.origin ~= ARGV[2] or ARGV[3] ~= '' and fields.term ~= ARGV[3] then
  return 0
end
local seconds = tonumber(ARGV[5])
if seconds > 0 then
  local now = tonumber(redis.call('TIME')[1])
  for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', ARGV[1])) do
    -- Refused where numbers have gone back: then it is not kept.
    redis.pcall('XADD', KEYS[3], entry[1], 'kept', now, unpack(entry[2]))
  end
  forget_kept(KEYS[3], now - seconds)
  redis.call('EXPIRE', KEYS[3], seconds)
end

local removed = redis.call('XTRIM', KEYS[1], 'MINID', '=', (ARGV[1] + 1) .. '-0')
local total = tonumber(redis.call('HGET', KEYS[2], 'total') or 0)
redis.call('HSET', KEYS[2], 'drained', rows_drained(KEYS[1], total))
return removed
