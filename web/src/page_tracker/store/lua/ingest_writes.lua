-- The last part of the ingest script: adds to the live counters, and writes it all.

-- Counters and writes --------------------------------------------------------------

local sites, drop_rows = {}, 0
for _, day in ipairs(days) do
  sites[day.site] = true
  if day.no_visit > 0 then
    insert(given_drops, { day.day, day.site, true, NO_VISIT_REASON, '', day.no_visit })
  end
end

-- Where a drop is counted: the hash of its day and its field there. An unknown site's
-- name counts against the bound that a known one's reasons and names have.
local function drop_field(day, site, is_known, reason, name)
  return name_of(KEY.drops, day, is_known and site or ''),
    reason .. '\0' .. (is_known and name or site)
end

-- Counts the drops; answers by hash the fields that count under `(other)`.
local function count_drops()
  local tallies, others = {}, {}
  for _, drop in ipairs(given_drops) do
    local hash, field = drop_field(unpack(drop))
    tallies[hash] = tallies[hash] or new_tally()
    count(tallies[hash], field, drop[6])
    sites[drop[2]] = drop[3] and true or sites[drop[2]]
  end
  for hash, tally in pairs(tallies) do
    others[hash] = add(hash, tally, NAMES, other_drop, 3 * 24 * 60 * 60)
  end
  return others
end

-- The drops as they go to the stream.
local function take_drops()
  local others, rows, row_of = count_drops(), {}, {}
  for _, drop in ipairs(given_drops) do
    local day, site, is_known, reason, name, n = unpack(drop)
    local hash, field = drop_field(unpack(drop))
    if others[hash][field] then
      site, name = is_known and site or OTHER, is_known and OTHER or name
    end
    local id = table.concat({ day, site, reason, name }, '\0')
    if row_of[id] then
      rows[row_of[id]] = rows[row_of[id]] + n
    else
      for _, value in ipairs({ day, site, reason, name, n }) do
        insert(rows, value)
      end
      row_of[id] = #rows
    end
  end
  drop_rows = #rows / 5
  return #rows > 0 and cmsgpack.pack(rows) or EMPTY
end

local function new_entry(drops)
  local names = {}
  for site in pairs(sites) do
    insert(names, site)
  end
  table.sort(names)
  total = total + stored + drop_rows
  return { 'v', FORMAT, 'origin', origin, 'term', present_term(), 'batch', ARGV[1] .. '-' .. ARGV[12], 'total', total,
    'rows', stored + drop_rows, 'sites', table.concat(names, '\n'),
    'records', stored > 0 and ARGV[8] or EMPTY,
    'numbers', stored > 0 and table.concat(numbers) or '',
    'openings', '\221' .. pack('>I4', #openings) .. table.concat(openings),
    'previous', #previous > 0 and cmsgpack.pack(previous) or EMPTY,
    'drops', drops }
end

-- The first write, and the only one that may fail: where the stream has a higher number
-- than we know of (the state was lost, or somebody else appends to it), ours goes above.
local function append(entry)
  local answer = redis.pcall('XADD', KEYS[1], number .. '-0', unpack(entry))
  if answer.err then
    number = last_number(KEYS[1]) + 1
    call('XADD', KEYS[1], number .. '-0', unpack(entry))
  end
  call('HSET', prefix .. KEY.state, 'origin', origin, 'number', number, 'total', total)
end

local function write_minute(site, minute, tallies)
  add(name_of(KEY.minute, minute, site), tallies.sums, 3, other_page, MINUTES_KEPT)
  for kind, tally in pairs({
    [KEY.pages_now] = tallies.pages,
    [KEY.sources_now] = tallies.sources,
  }) do
    local hash = name_of(kind, minute, site)
    add(hash, tally, NAMES, other_page, 2 * CURRENT_MINUTES * 60)
  end
end

local function write_live(site, live)
  local views = 0
  for _, change in pairs(live.pages.changes) do
    views = views + change
  end
  insert(writes, { 'HINCRBY', prefix .. KEY.totals, site, views })
  add(name_of(KEY.pages, site), live.pages, live.page_limit, other_page)
  for minute, tallies in pairs(live.minutes) do
    if moment - minute * MINUTE < MINUTES_KEPT * 1000 then
      write_minute(site, minute, tallies)
    end
  end
end

local function write_day(day)
  local entries = {}
  for _, key in ipairs(day.keys) do
    local visitor, n = day.visitors[key], #entries
    if visitor then
      entries[n + 1], entries[n + 2] = key, write_visitor(visitor)
    end
  end
  for group in pairs(day.grown) do
    local n = #entries
    entries[n + 1], entries[n + 2] = group, day.groups[group]
  end
  put(day.store, entries, day.seconds)
  local numbers_ = { 'visitor', day.visitor, 'visit', day.visit,
    'bytes', day.bytes, 'folded', day.folded }
  for _, name in ipairs(SUMS) do
    insert(numbers_, name)
    insert(numbers_, day.sums[name])
  end
  put(day.today, numbers_, day.today_seconds)
end

local drops = take_drops()
for _, day in ipairs(days) do
  write_day(day)
end
for site, live in pairs(lives) do
  write_live(site, live)
end
for hour, ids in pairs(seen) do
  put(name_of(KEY.seen, hour), ids.new, REMEMBERED)
end
insert(writes, { 'SET', queue, batch .. ' ' .. outcomes, 'EX', ARGV[13] })
if stored + drop_rows > 0 then
  append(new_entry(drops))
end
for _, write in ipairs(writes) do
  call(unpack(write))
end
return outcomes
