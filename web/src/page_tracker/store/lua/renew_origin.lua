-- Gives a shard a new origin, and has its counters begin again. A day's running numbers
-- stay: none is given twice.
--
-- KEYS: 1 the shard's state
-- ARGV: 1 the old origin, 2 the new one
-- Answers the origin that it has now: another one where the old one is not its own.

if redis.call('HGET', KEYS[1], 'origin') == ARGV[1] then
  local prefix = string.sub(KEYS[1], 1, -#KEY.state - 1)
  local today = math.floor(redis.call('TIME')[1] / 86400)
  for _, site in ipairs(redis.call('HKEYS', prefix .. KEY.totals)) do
    redis.call('UNLINK', prefix .. KEY.pages .. ':' .. site)
    for day = today - 3, today + 1 do
      redis.call('HDEL', prefix .. KEY.today .. ':' .. day .. ':' .. site, unpack(SUMS))
    end
  end
  redis.call('UNLINK', prefix .. KEY.totals)
  redis.call('HSET', KEYS[1], 'origin', ARGV[2])
end
return tonumber(redis.call('HGET', KEYS[1], 'origin'))
