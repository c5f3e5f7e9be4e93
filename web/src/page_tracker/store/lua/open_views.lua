-- Takes back what close_views.lua has done.
--
-- KEYS: 1 the views, 2 where they are kept

if redis.call('TYPE', KEYS[1]).ok == 'list' then
  redis.call('UNLINK', KEYS[1])
  if redis.call('EXISTS', KEYS[2]) == 1 then
    redis.call('RENAME', KEYS[2], KEYS[1])
  end
end
return 1
