#!lua
-- Takes one batch of hits: finds each one's visitor and visit, adds to the live counters
-- and appends the batch to the stream; all of it, or nothing.
--
-- It reads, then computes, then writes: whatever can fail fails before the first write.
-- The records pass through as one string that is never looked into. The script is this
-- file (what the store knows), visits.lua (what the hits are) and counters.lua (what is
-- written), one after the other.
--
-- KEYS: 1 the shard's stream; its prefix makes all other names, as collect/keys.py does
-- ARGV: 1 batch id
--       2 the batch's moment, milliseconds
--       3 candidate for the store's origin
--       4 rows that may wait in the stream
--       5 days, msgpack, flat: day, site, page limit, seconds to live
--       6 hits, msgpack, flat: which of the days (from 1), length of visitor, length of
--         event id (with its site), milliseconds, kind, path, hostname, source, length of
--         opening, group of addresses (empty: none)
--       7 visitor, event id and opening of each hit, one after the other
--       8 records of the hits, an array of msgpack
--       9 drops, msgpack, flat: day, site, whether it is known, reason, name, number
--      10 visitors of a site's day that are told apart
--      11 of them those of one address
-- Answers what became of each hit, one character each: 0 stored, 1 duplicate, 2 no visit;
-- or, as an integer, the number of rows that wait where the batch would be too much.

local FORMAT = 1
local FACTS = 10 -- of a hit, in argument 6
local SILENCE = 30 * 60 * 1000
local HOUR = 60 * 60 * 1000
local MINUTE = 60 * 1000
local REMEMBERED = 3 * 60 * 60 -- seconds: an hour, and the one before or after
local MINUTES_KEPT = 36 * 60 -- seconds
local CURRENT = 5 -- minutes for which a visitor is a current one
local NAMES = 1000 -- of a day's drops, or a minute's pages or sources, told apart
local OTHER = '(other)'
local LONGEST = 2147483647
local GROUPS = 4096 -- of addresses, as collect/visitor.py makes them
local BYTES = 150 -- of a visitor, beside the page and the opening of its visit
local SHARE_OF_DAY = 1 / 4 -- of the memory, for the visitors of one site's day
local SHARE_OF_ALL = 4 / 5 -- of the memory, for all that there is, until none is new
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

local room = tonumber(ARGV[4]) - #hits / FACTS - #given_drops / 6
if total - drained > room then
  local rows = waiting()
  if rows > room then
    return rows
  end
end

-- Reading and writing --------------------------------------------------------------

local writes = {} -- made at the very end, in order
local existing = {} -- keys that are known to exist: they end when they were meant to

local function put(key, values, seconds)
  for from = 1, #values, 2 * CHUNK do
    local to = min(from + 2 * CHUNK - 1, #values)
    insert(writes, { 'HSET', key, unpack(values, from, to) })
  end
  if seconds and #values > 0 and not existing[key] then
    insert(writes, { 'EXPIRE', key, seconds })
  end
end

local function get(key, names)
  local values = {}
  for from = 1, #names, CHUNK do
    local to = min(from + CHUNK - 1, #names)
    for i, value in ipairs(call('HMGET', key, unpack(names, from, to))) do
      values[from + i - 1] = value
      existing[key] = existing[key] or value ~= false
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
  local numbers = get(today, { 'visitor', 'visit', 'closed', 'bytes', 'folded', unpack(SUMS) })
  local sums = {}
  for j, name in ipairs(SUMS) do
    sums[name] = tonumber(numbers[5 + j] or 0)
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
    bytes = tonumber(numbers[4] or 0), -- that its visitors took when they came
    folded = tonumber(numbers[5] or 0), -- hits of visitors that are not told apart
    sums = sums,
    store = prefix .. 'visitors:' .. origin .. ':' .. day .. ':' .. site,
    keys = {},
    visitors = {}, -- by key; false while unknown
    group_of = {}, -- the group of addresses that each key's is in
    groups = {}, -- how many visitors of each there are, where one may be new
    grown = {}, -- those of them that have more now
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
for i = 1, #hits, FACTS do
  hits[i + 1], hits[i + 2] = cut(hits[i + 1]), cut(hits[i + 2])
  hits[i + 8] = cut(hits[i + 8])
  local day, key = days[hits[i]], hits[i + 1]
  if day.visitors[key] == nil then
    day.visitors[key] = false
    day.keys[#day.keys + 1] = key
    day.group_of[key] = hits[i + 9]
  end
end
local function read_visitors(day, visitors)
  for i, value in ipairs(get(day.store, visitors)) do
    day.visitors[visitors[i]] = value and { struct.unpack(VISITOR, value) }
  end
end
local function read_groups(day)
  local names = {}
  for _, key in ipairs(day.keys) do
    local group = day.group_of[key]
    if not day.visitors[key] and not day.groups[group] then
      day.groups[group] = 0
      names[#names + 1] = group
    end
  end
  for i, value in ipairs(get(day.store, names)) do
    day.groups[names[i]] = value and tonumber(value) or 0
  end
end
for _, day in ipairs(days) do
  read_visitors(day, day.keys)
  read_groups(day)
end

-- Event ids ------------------------------------------------------------------------

local seen = {} -- by hour: the times at which ids were seen, and what is new

local function hour_of(time)
  local hour = floor(time / HOUR)
  seen[hour] = seen[hour] or { names = {}, times = {}, new = {} }
  return seen[hour], hour
end

for i = 1, #hits, FACTS do
  if hits[i + 2] ~= '' then
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
