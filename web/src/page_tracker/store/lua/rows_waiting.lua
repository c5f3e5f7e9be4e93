-- KEYS: 1 the stream, 2 the shard's state
-- Answers how many rows wait.

local total = tonumber(redis.call('HGET', KEYS[2], 'total') or 0)
return total - rows_drained(KEYS[1], total)
