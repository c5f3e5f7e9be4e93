#!lua
-- Takes one batch of hits: finds each one's visitor and visit, adds to the live counters
-- and appends the batch to the stream; all of it, or nothing.
--
-- It reads, then computes, then writes: whatever can fail fails before the first write.
-- The records pass through as one string that is never looked into.
--
-- KEYS: 1 the shard's stream; its prefix makes all other names, as collect/keys.py does
-- ARGV: 1 batch id
--       2 the batch's moment, milliseconds
--       3 candidate for the store's origin
--       4 rows that may wait in the stream
--       5 days, msgpack, flat: day, site, page limit, seconds to live
--       6 hits, msgpack, flat: which of the days (from 1), length of visitor, event id,
--         milliseconds, kind, path, hostname, source, length of opening
--       7 visitor and opening of each hit, one after the other
--       8 records of the hits, an array of msgpack
--       9 drops, msgpack, flat: day, site, whether it is known, reason, name, number
-- Answers what became of each hit, one character each: 0 stored, 1 duplicate, 2 no visit;
-- or, as an integer, the number of rows that wait where the batch would be too much.

local FORMAT = 1
local SILENCE = 30 * 60 * 1000
local HOUR = 60 * 60 * 1000
local MINUTE = 60 * 1000
local REMEMBERED = 3 * 60 * 60 -- seconds: an hour, and the one before or after
local MINUTES_KEPT = 36 * 60 -- seconds
local CURRENT = 5 -- minutes for which a visitor is a current one
local NAMES = 1000 -- of a day's drops, or a minute's pages or sources, told apart
local OTHER = '(other)'
local LONGEST = 2147483647
local ENGAGEMENT, VIEW, EVENT = 0, 1, 2 -- and 3, an event that does not end a bounce
local STORED, DUPLICATE, NO_VISIT = '0', '1', '2'
-- number, visit, began, last hit, last but engagements, step, view, interaction,
-- opening, path, hostname, source
local VISITOR = '<I4I4dddI4I4I4I4c0I4c0I4c0I4c0'
-- visitor, visit, step, view, interaction, since, elapsed, arrival
local NUMBERS = '<I4I4I4I4I4I4I4B'
local VOID = struct.pack(NUMBERS, 0, 0, 0, 0, 0, 0, 0, 0)
local SUMS = { 'visitors', 'visits', 'views', 'events', 'bounces', 'since' }
local CHUNK = 1000

local floor, max, min, insert = math.floor, math.max, math.min, table.insert
local call, pack = redis.call, struct.pack

local prefix = string.sub(KEYS[1], 1, -7)
local batch_id, moment = ARGV[1], tonumber(ARGV[2])

-- A batch whose answer was lost is answered again.
local batches = prefix .. 'batches:' .. floor(moment / HOUR)
local answered = call('HGET', batches, batch_id)
if answered then
  return answered
end

local given_days, hits = cmsgpack.unpack(ARGV[5]), cmsgpack.unpack(ARGV[6])
local given_drops = cmsgpack.unpack(ARGV[9])

-- The stream -----------------------------------------------------------------------

local state = call('HMGET', prefix .. 'state', 'origin', 'number', 'total', 'drained')
local origin, number = state[1] or ARGV[3], (state[2] or 0) + 1
local total, drained = tonumber(state[3] or 0), tonumber(state[4] or 0)

-- Rows that wait, by the stream's own first entry: entries may have been taken away.
local function waiting()
  local first = call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  if not first then
    return 0
  end
  local entry = {}
  for i = 1, #first[2], 2 do
    entry[first[2][i]] = first[2][i + 1]
  end
  return total - (tonumber(entry.total) or total) + (tonumber(entry.rows) or 0)
end

local room = tonumber(ARGV[4]) - #hits / 9 - #given_drops / 6
if total - drained > room then
  local rows = waiting()
  if rows > room then
    return rows
  end
end

-- Reading and writing --------------------------------------------------------------

local writes = {} -- made at the very end, in order

local function put(key, values, seconds)
  for from = 1, #values, 2 * CHUNK do
    local to = min(from + 2 * CHUNK - 1, #values)
    insert(writes, { 'HSET', key, unpack(values, from, to) })
  end
  if seconds and #values > 0 then
    insert(writes, { 'EXPIRE', key, seconds })
  end
end

local function get(key, names)
  if #names <= CHUNK then
    return #names > 0 and call('HMGET', key, unpack(names)) or {}
  end
  local values = {}
  for from = 1, #names, CHUNK do
    local to = min(from + CHUNK - 1, #names)
    for _, value in ipairs(call('HMGET', key, unpack(names, from, to))) do
      insert(values, value)
    end
  end
  return values
end

-- A tally: names in the order in which they came, and what to add to each.
local function new_tally()
  return { names = {}, changes = {} }
end

local function count(tally, name, change)
  local changes = tally.changes
  local before = changes[name]
  if before then
    changes[name] = before + change
  else
    tally.names[#tally.names + 1] = name
    changes[name] = change
  end
end

local function other_page()
  return OTHER
end

local function other_drop(name)
  return string.match(name, '^[^%z]*') .. '\0' .. OTHER
end

-- Adds a tally to a hash that tells at most `limit` names apart: what is more counts
-- under `other_of(name)`. Answers the names that do.
local function add(key, tally, limit, other_of, seconds)
  local values, result, left, others, rest = get(key, tally.names), {}, nil, {}, nil
  for i, name in ipairs(tally.names) do
    local value, change = values[i], tally.changes[name]
    if not value and change > 0 then
      left = left or limit - call('HLEN', key)
      value = left > 0 and 0
      left = left - 1
    end
    if value and change ~= 0 then
      local n = #result
      result[n + 1], result[n + 2] = name, max(0, value + change)
    elseif change ~= 0 then
      rest = rest or new_tally()
      count(rest, other_of(name), change)
      others[name] = true
    end
  end
  if rest then
    for i, value in ipairs(get(key, rest.names)) do
      insert(result, rest.names[i])
      insert(result, max(0, (value or 0) + rest.changes[rest.names[i]]))
    end
  end
  put(key, result, seconds)
  return others
end

-- Days and their visitors ----------------------------------------------------------

-- A visitor is a list, which costs a third of what a record with names does.
local NUMBER, VISIT, BEGAN, LAST, COUNTED, STEP, VIEWS, INTERACTIONS = 1, 2, 3, 4, 5, 6, 7, 8
local OPENING, PATH, HOSTNAME, SOURCE = 9, 10, 11, 12

local function write_visitor(v)
  return pack(VISITOR, v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8],
    #v[9], v[9], #v[10], v[10], #v[11], v[11], #v[12], v[12])
end

local lives = {} -- by site: what to add to its live counters

local function live_of(site, page_limit)
  lives[site] = lives[site]
    or { page_limit = page_limit, pages = new_tally(), minutes = {} }
  return lives[site]
end

-- What the store holds of a site's day.
local function read_day(i)
  local day, site = given_days[i], given_days[i + 1]
  local today = prefix .. 'today:' .. day .. ':' .. site
  local numbers = call('HMGET', today, 'visitor', 'visit', 'closed', unpack(SUMS))
  local sums = {}
  for j, name in ipairs(SUMS) do
    sums[name] = tonumber(numbers[3 + j] or 0)
  end
  return {
    day = day,
    site = site,
    live = live_of(site, given_days[i + 2]),
    seconds = given_days[i + 3],
    today = today,
    visitor = tonumber(numbers[1] or 0), -- the last one's running number
    visit = tonumber(numbers[2] or 0),
    closed = tonumber(numbers[3] or 0), -- visits up to this one are over
    sums = sums,
    store = prefix .. 'visitors:' .. origin .. ':' .. day .. ':' .. site,
    keys = {},
    visitors = {}, -- by key; false while unknown
    no_visit = 0,
  }
end

local days = {}
for i = 1, #given_days, 4 do
  insert(days, read_day(i))
end
local at = 1
local function cut(length) -- the next so many bytes of argument 7
  at = at + length
  return string.sub(ARGV[7], at - length, at - 1)
end
for i = 1, #hits, 9 do
  hits[i + 1], hits[i + 8] = cut(hits[i + 1]), cut(hits[i + 8])
  local day, key = days[hits[i]], hits[i + 1]
  if day.visitors[key] == nil then
    day.visitors[key] = false
    day.keys[#day.keys + 1] = key
  end
end
for _, day in ipairs(days) do
  for i, value in ipairs(get(day.store, day.keys)) do
    day.visitors[day.keys[i]] = value and { struct.unpack(VISITOR, value) }
  end
end

-- Event ids ------------------------------------------------------------------------

local seen = {} -- by hour: the times at which ids were seen, and what is new

local function hour_of(time)
  local hour = floor(time / HOUR)
  seen[hour] = seen[hour] or { names = {}, times = {}, new = {} }
  return seen[hour], hour
end

for i = 1, #hits, 9 do
  if hits[i + 2] ~= '' then
    hits[i + 2] = days[hits[i]].site .. ' ' .. hits[i + 2]
    for near = -HOUR, HOUR, HOUR do
      insert(hour_of(hits[i + 3] + near).names, hits[i + 2])
    end
  end
end
for hour, ids in pairs(seen) do
  for i, time in ipairs(get(prefix .. 'seen:' .. hour, ids.names)) do
    ids.times[ids.names[i]] = time
  end
end

-- Whether an event id was seen less than an hour away; if not, it is from now on.
local function is_repeated(id, time)
  for near = -HOUR, HOUR, HOUR do
    local before = hour_of(time + near).times[id]
    if before and math.abs(time - before) < HOUR then
      return true
    end
  end
  local ids = hour_of(time)
  ids.times[id] = time
  insert(ids.new, id)
  insert(ids.new, time)
  return false
end

-- Now ------------------------------------------------------------------------------

local function minute_of(live, minute)
  local tallies = live.minutes[minute]
  if not tallies then
    tallies = { sums = new_tally(), pages = new_tally(), sources = new_tally() }
    live.minutes[minute] = tallies
  end
  return tallies
end

-- A visitor is a current one of the minute of his last hit, on the page viewed last.
-- Takes him from where he was (`then_`, a minute, or nil) to where he is.
local function move(live, then_, path, source, visitor)
  local now = floor(visitor[LAST] / MINUTE)
  local here = minute_of(live, now)
  if now ~= then_ then
    count(here.sums, 'visitors', 1)
    count(here.sums, 'current', 1)
  elseif path == visitor[PATH] and source == visitor[SOURCE] then
    return
  end
  count(here.pages, visitor[PATH], 1)
  count(here.sources, visitor[SOURCE], 1)
  if then_ and now - then_ <= CURRENT then
    local there = minute_of(live, then_)
    if now ~= then_ then
      count(there.sums, 'current', -1)
    end
    count(there.pages, path, -1)
    count(there.sources, source, -1)
  end
end

-- Hits -----------------------------------------------------------------------------

local openings, previous = {}, {}

local function open_visit(day, visitor, i)
  day.visit = day.visit + 1
  day.sums.visits = day.sums.visits + 1
  day.sums.bounces = day.sums.bounces + 1
  visitor[VISIT] = day.visit
  visitor[BEGAN], visitor[LAST], visitor[COUNTED] = hits[i + 3], hits[i + 3], hits[i + 3]
  visitor[STEP], visitor[VIEWS], visitor[INTERACTIONS] = 0, 0, 0
  visitor[PATH], visitor[HOSTNAME] = hits[i + 5], hits[i + 6]
  visitor[SOURCE], visitor[OPENING] = hits[i + 7], hits[i + 8]
end

-- Counts a page view or an event; answers step, view, interaction and since.
local function count_hit(day, visitor, i, time, kind)
  local sums, view, interaction = day.sums, 0, 0
  local since = min(max(0, time - visitor[COUNTED]), LONGEST)
  visitor[COUNTED] = max(visitor[COUNTED], time)
  visitor[STEP] = visitor[STEP] + 1
  if kind == VIEW then
    if visitor[VIEWS] > 0 then
      insert(previous, visitor[PATH])
      insert(previous, visitor[HOSTNAME])
    end
    view = visitor[VIEWS] + 1
    visitor[VIEWS], visitor[PATH], visitor[HOSTNAME] = view, hits[i + 5], hits[i + 6]
    sums.views = sums.views + 1
    count(day.live.pages, visitor[PATH], 1)
    count(minute_of(day.live, floor(time / MINUTE)).sums, 'views', 1)
  end
  if kind == VIEW or kind == EVENT then
    interaction = visitor[INTERACTIONS] + 1
    visitor[INTERACTIONS] = interaction
    if interaction == 2 then
      sums.bounces = sums.bounces - 1
    end
  end
  sums.events = sums.events + 1
  sums.since = sums.since + since
  return visitor[STEP], view, interaction, since
end

-- Takes the hit at `i`; answers what became of it, and its numbers.
local function take(i)
  local day, time, kind = days[hits[i]], hits[i + 3], hits[i + 4]
  if hits[i + 2] ~= '' and is_repeated(hits[i + 2], time) then
    return DUPLICATE, VOID
  end
  local visitor = day.visitors[hits[i + 1]]
  local is_open = visitor and visitor[VISIT] > day.closed
    and time - visitor[LAST] < SILENCE
  if kind == ENGAGEMENT and not is_open then
    day.no_visit = day.no_visit + 1
    return NO_VISIT, VOID
  end
  local arrival, then_, path, source = 0, nil, nil, nil
  if not visitor then
    arrival = 1
    day.visitor = day.visitor + 1
    day.sums.visitors = day.sums.visitors + 1
    visitor = { day.visitor, 0, 0, 0, 0, 0, 0, 0, '', '', '', '' }
    day.visitors[hits[i + 1]] = visitor
  elseif visitor[VISIT] > 0 then
    then_, path, source = floor(visitor[LAST] / MINUTE), visitor[PATH], visitor[SOURCE]
  end
  if is_open then
    insert(openings, visitor[OPENING])
    visitor[LAST] = max(visitor[LAST], time)
  else
    open_visit(day, visitor, i)
  end
  local step, view, interaction, since = 0, 0, 0, 0
  if kind ~= ENGAGEMENT then
    step, view, interaction, since = count_hit(day, visitor, i, time, kind)
  end
  move(day.live, then_, path, source, visitor)
  local elapsed = min(max(0, time - visitor[BEGAN]), LONGEST)
  return STORED, pack(NUMBERS, visitor[NUMBER], visitor[VISIT], step, view, interaction,
    since, elapsed, arrival)
end

local outcomes, numbers, stored = {}, {}, 0
for i = 1, #hits, 9 do
  local n = #outcomes + 1
  outcomes[n], numbers[n] = take(i)
  if outcomes[n] == STORED then
    stored = stored + 1
  end
end
outcomes = table.concat(outcomes)

-- Counters and writes --------------------------------------------------------------

local sites, drop_rows = {}, 0
for _, day in ipairs(days) do
  sites[day.site] = true
  if day.no_visit > 0 then
    for _, value in ipairs({ day.day, day.site, true, 'no visit', '', day.no_visit }) do
      insert(given_drops, value)
    end
  end
end

-- The drops as they go to the stream, after counting them: an unknown site's name counts
-- against the bound that a known one's reasons and names have.
local function take_drops()
  local tallies, rows, row_of = {}, {}, {}
  for i = 1, #given_drops, 6 do
    local day, site, is_known, reason, name, n = unpack(given_drops, i, i + 5)
    local key = prefix .. 'drops:' .. day .. ':' .. (is_known and site or '')
    tallies[key] = tallies[key] or new_tally()
    count(tallies[key], reason .. '\0' .. (is_known and name or site), n)
    sites[site] = is_known and true or sites[site]
  end
  for key, tally in pairs(tallies) do
    tally.others = add(key, tally, NAMES, other_drop, 3 * 24 * 60 * 60)
  end
  for i = 1, #given_drops, 6 do
    local day, site, is_known, reason, name, n = unpack(given_drops, i, i + 5)
    local tally = tallies[prefix .. 'drops:' .. day .. ':' .. (is_known and site or '')]
    if tally.others[reason .. '\0' .. (is_known and name or site)] then
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
  return #rows > 0 and cmsgpack.pack(rows) or '\144'
end

local function new_entry(drops)
  local names = {}
  for site in pairs(sites) do
    insert(names, site)
  end
  table.sort(names)
  total = total + stored + drop_rows
  return { 'v', FORMAT, 'origin', origin, 'batch', batch_id, 'total', total,
    'rows', stored + drop_rows, 'sites', table.concat(names, '\n'),
    'records', stored > 0 and ARGV[8] or '\144',
    'numbers', stored > 0 and table.concat(numbers) or '',
    'openings', '\221' .. pack('>I4', #openings) .. table.concat(openings),
    'previous', #previous > 0 and cmsgpack.pack(previous) or '\144',
    'drops', drops }
end

-- The first write, and the only one that may fail: where the stream has a higher number
-- than we know of (the state was lost, or somebody else appends to it), ours goes above.
local function append(entry)
  local answer = redis.pcall('XADD', KEYS[1], number .. '-0', unpack(entry))
  if answer.err then
    local facts = call('XINFO', 'STREAM', KEYS[1])
    for i = 1, #facts, 2 do
      if facts[i] == 'last-generated-id' then
        number = string.match(facts[i + 1], '%d+') + 1
      end
    end
    call('XADD', KEYS[1], number .. '-0', unpack(entry))
  end
  call('HSET', prefix .. 'state', 'origin', origin, 'number', number, 'total', total)
end

local function write_live(site, live)
  local views = 0
  for _, change in pairs(live.pages.changes) do
    views = views + change
  end
  insert(writes, { 'HINCRBY', prefix .. 'totals', site, views })
  add(prefix .. 'pages:' .. site, live.pages, live.page_limit, other_page)
  for minute, tallies in pairs(live.minutes) do
    local name = minute .. ':' .. site
    add(prefix .. 'minute:' .. name, tallies.sums, 3, other_page, MINUTES_KEPT)
    for part, tally in pairs({ pages = tallies.pages, sources = tallies.sources }) do
      add(prefix .. part .. '_now:' .. name, tally, NAMES, other_page, MINUTES_KEPT)
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
  put(day.store, entries, day.seconds)
  local numbers_ = { 'visitor', day.visitor, 'visit', day.visit }
  for _, name in ipairs(SUMS) do
    insert(numbers_, name)
    insert(numbers_, day.sums[name])
  end
  put(day.today, numbers_, day.seconds)
end

local drops = take_drops()
for _, day in ipairs(days) do
  write_day(day)
end
for site, live in pairs(lives) do
  write_live(site, live)
end
for hour, ids in pairs(seen) do
  put(prefix .. 'seen:' .. hour, ids.new, REMEMBERED)
end
put(batches, { batch_id, outcomes }, REMEMBERED)
if stored + drop_rows > 0 then
  append(new_entry(drops))
end
for _, write in ipairs(writes) do
  call(unpack(write))
end
return outcomes
