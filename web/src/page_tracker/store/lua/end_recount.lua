-- Notes what a site was recounted from, unless another recount has begun.
--
-- KEYS: 1 the hash of recounts
-- ARGV: 1 the site, 2 the mark that this recount began with, 3 its mark from now on
-- Answers 1, or 0 where another one has begun.

if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
