-- Leaves of a day's visitors nothing but their numbers. Groups of addresses lie beside
-- the visitors, under numbers that are shorter than any visitor's key.
--
-- KEYS: 1 the hash of visitors
-- ARGV: 1 where to go on, '0' at first; 2 roughly how many at once
-- Answers where to go on; '0' at the end.

local found = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
for i = 1, #found[2], 2 do
  if #found[2][i] > GROUP_DIGITS then
    local number = read_visitor(found[2][i + 1])[NUMBER]
    redis.call('HSET', KEYS[1], found[2][i], write_visitor(visitor_without_visit(number)))
  end
end
return found[1]
