-- Forgets kept entries that were kept before a second, or are too many.

local MOST_KEPT = 200000 -- rows

local function forget_kept(kept, before)
  local last = redis.call('XREVRANGE', kept, '+', '-', 'COUNT', 1)[1]
  local total = last and tonumber(fields_of(last).total) or 0
  while true do
    local first = redis.call('XRANGE', kept, '-', '+', 'COUNT', 1)[1]
    local fields = first and fields_of(first)
    if
      not first
      or tonumber(fields.kept) > before and total - (tonumber(fields.total) or 0) < MOST_KEPT
    then
      return
    end
    redis.call('XDEL', kept, first[1])
  end
end
