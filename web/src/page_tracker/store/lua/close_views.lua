-- Keeps the counter page's views beside their place, where nothing counts any more.
--
-- KEYS: 1 the views, 2 where they are kept
-- ARGV: 1 why
-- Whoever counts or reads them there is told that this is no number.

if redis.call('TYPE', KEYS[1]).ok == 'string' then
  redis.call('RENAME', KEYS[1], KEYS[2])
end
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('LPUSH', KEYS[1], ARGV[1])
end
return 1
