-- Ends all visits of a site's day that are open.
--
-- KEYS: 1 the day's hash, `today`

local visit = redis.call('HGET', KEYS[1], 'visit')
if visit then
  redis.call('HSET', KEYS[1], 'closed', visit)
end
return 1
