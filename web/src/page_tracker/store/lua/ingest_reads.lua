-- Takes one batch of hits: finds each one's visitor and visit, adds to the live counters
-- and appends the batch to the stream; all of it, or nothing.
--
-- It reads, then computes, then writes: whatever can fail fails before the first write.
-- So it has three parts, which are one script: ingest_reads.lua (what the store knows),
-- ingest_visits.lua (which visitor's and visit's a hit is) and ingest_writes.lua. The
-- records pass through as one string that is never looked into.
--
-- KEYS: 1 the shard's stream; its prefix begins all other names, as in keys.py
--       2 a key that is never there
-- ARGV: 1 id of the queue that the batch comes from
--       2 the batch's moment, milliseconds
--       3 candidate for the store's origin
--       4 rows that may wait in the stream
--       5 days, msgpack, a list for each: day, site, page limit, seconds to live, whether it
--         is over everywhere
--       6 hits, msgpack, columns: which of the days (from 1), length of visitor, length of
--         event id (with its site), milliseconds, kind, path, hostname, source, length of
--         opening, group of addresses (empty: none)
--       7 visitor, event id and opening of each hit, one after the other
--       8 records of the hits, an array of msgpack
--       9 drops, msgpack, a list for each: day, site, whether it is known, reason, name,
--         number
--      10 visitors of a site's day that are told apart
--      11 of them those of one address
--      12 the batch's number in its queue
--      13 seconds for which that is remembered
--      14 the number of the first batch that was joined into this one
-- Answers what became of each hit, one character each (STORED, DUPLICATE, NO_VISIT); or,
-- as an integer, the number of rows that wait where the batch would be too much; or a
-- list with the number of the last batch that is here, where some of those joined are.

local HOUR = 60 * 60 * 1000
local MINUTE = 60 * 1000
local REMEMBERED = 3 * 60 * 60 -- seconds: an hour, and the one before or after
local MINUTES_KEPT = 36 * 60 -- seconds
local NAMES = 1000 -- of a day's drops, or a minute's pages or sources, told apart
local LONGEST = 2147483647
local BYTES = 150 -- of a visitor, beside the page and the opening of its visit
local SHARE_OF_DAY = 1 / 4 -- of the memory, for the visitors of one site's day
local SHARE_OF_ALL = 4 / 5 -- of the memory, for all that there is, until none is new
local NO_NUMBERS = struct.pack(NUMBERS, 0, 0, 0, 0, 0, 0, 0, 0) -- of a hit that is void
local CHUNK = 1000
local EARLIER = '<' -- after a visitor's key: an earlier visit than the one of that key
-- Visitors and visits of a day whose counters have gone when a late hit comes are numbered
-- from here: nobody knows which numbers below were given. From then on they are kept.
local LATE = 2147483648
local EMPTY = '\144' -- an array of msgpack

local floor, max, min, insert = math.floor, math.max, math.min, table.insert
local call, pack, sub = redis.call, struct.pack, string.sub

local prefix = string.sub(KEYS[1], 1, -#KEY.stream - 1)
local moment = tonumber(ARGV[2])

-- The name of a key: its kind, and what it is of.
local function name_of(kind, ...)
  return prefix .. kind .. ':' .. table.concat({ ... }, ':')
end

-- A batch whose answer was lost is answered again. A queue's batches come in order, the
-- next only when one was answered or given up: so whatever is not above its last one is
-- here already, or shall not be.
local queue, batch = name_of(KEY.queue, ARGV[1]), tonumber(ARGV[12])
local answered = call('GET', queue)
-- What is known is remembered anew. This is a write: without one, who waits for replicas
-- would not be told whether they have got the batch.
local function known(answer)
  call('EXPIRE', queue, ARGV[13])
  return answer
end
if answered then
  local last, outcomes = string.match(answered, '^(%d+) (%d*)$')
  if tonumber(last) == batch then
    return known(outcomes)
  elseif tonumber(last) > batch then
    return known(string.rep(STORED, #cmsgpack.unpack(ARGV[6])[1]))
  elseif tonumber(last) >= tonumber(ARGV[14]) then
    return known({ tonumber(last) })
  end
end

local given_days, given_drops = cmsgpack.unpack(ARGV[5]), cmsgpack.unpack(ARGV[9])

-- Of the hit with number i the path is hit_path[i], and so on.
local hit_day, hit_visitor, hit_event, hit_time, hit_kind, hit_path, hit_hostname,
  hit_source, hit_opening, hit_group = unpack(cmsgpack.unpack(ARGV[6]))

-- The stream -----------------------------------------------------------------------

local state = call('HMGET', prefix .. KEY.state, 'origin', 'number', 'total', 'drained',
  'moved_to', 'copied_from')
if state[5] or state[6] then
  return redis.error_reply('MOVEDAWAY this store is moved')
end
local origin, number = state[1] or ARGV[3], (state[2] or 0) + 1
local total, drained = tonumber(state[3] or 0), tonumber(state[4] or 0)

local room = tonumber(ARGV[4]) - #hit_day - #given_drops
if total - drained > room then
  local waiting = total - rows_drained(KEYS[1], total)
  if waiting > room then
    return waiting
  end
end

-- Reading and writing --------------------------------------------------------------

local writes = {} -- made at the very end, in order
local existing = {} -- keys that are known to exist: they end when they were meant to

local function put(hash, values, seconds)
  for from = 1, #values, 2 * CHUNK do
    local to = min(from + 2 * CHUNK - 1, #values)
    insert(writes, { 'HSET', hash, unpack(values, from, to) })
  end
  if seconds and #values > 0 and not existing[hash] then
    insert(writes, { 'EXPIRE', hash, seconds })
  end
end

local function get(hash, fields)
  local values = {}
  for from = 1, #fields, CHUNK do
    local to = min(from + CHUNK - 1, #fields)
    for i, value in ipairs(call('HMGET', hash, unpack(fields, from, to))) do
      values[from + i - 1] = value
      existing[hash] = existing[hash] or value ~= false
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
local function add(hash, tally, limit, other_of, seconds)
  local values, result, left, others, rest = get(hash, tally.names), {}, nil, {}, nil
  for i, name in ipairs(tally.names) do
    local value, change = values[i], tally.changes[name]
    if not value and change > 0 then
      left = left or limit - call('HLEN', hash)
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
    for i, value in ipairs(get(hash, rest.names)) do
      insert(result, rest.names[i])
      insert(result, max(0, (value or 0) + rest.changes[rest.names[i]]))
    end
  end
  put(hash, result, seconds)
  return others
end

-- Days and their visitors ----------------------------------------------------------

local lives = {} -- by site: what to add to its live counters

local function live_of(site, page_limit)
  lives[site] = lives[site]
    or { page_limit = page_limit, pages = new_tally(), minutes = {} }
  return lives[site]
end

-- What the store holds of a site's day.
local function read_day(day, site, page_limit, seconds, is_over)
  local today = name_of(KEY.today, day, site)
  local numbers = get(today, { 'visitor', 'visit', 'closed', 'bytes', 'folded', unpack(SUMS) })
  local sums = {}
  for i, name in ipairs(SUMS) do
    sums[name] = tonumber(numbers[5 + i] or 0)
  end
  local visitor = tonumber(numbers[1] or is_over and LATE or 0)
  local first = visitor < LATE and 0 or LATE
  return {
    day = day,
    site = site,
    live = live_of(site, page_limit),
    seconds = seconds,
    today = today,
    today_seconds = first == 0 and seconds or nil,
    first = first, -- what its visitors are numbered from
    visitor = visitor, -- the last one's running number
    visit = tonumber(numbers[2] or first),
    closed = tonumber(numbers[3] or 0), -- visits up to this one are over
    bytes = tonumber(numbers[4] or 0), -- that its visitors took when they came
    folded = tonumber(numbers[5] or 0), -- hits of visitors that are not told apart
    sums = sums,
    store = name_of(KEY.visitors, origin, day, site),
    keys = {},
    visitors = {}, -- by key; false while unknown
    group_of = {}, -- the group of addresses that each key's is in
    groups = {}, -- how many visitors of each there are, where one may be new
    grown = {}, -- those of them that have more now
    no_visit = 0,
  }
end

local days = {}
for _, given in ipairs(given_days) do
  insert(days, read_day(unpack(given)))
end
local at = 1
for i = 1, #hit_day do -- its parts of argument 7
  local event = at + hit_visitor[i]
  local opening = event + hit_event[i]
  hit_visitor[i], hit_event[i] = sub(ARGV[7], at, event - 1), sub(ARGV[7], event, opening - 1)
  at = opening + hit_opening[i]
  hit_opening[i] = sub(ARGV[7], opening, at - 1)
  local day, visitor = days[hit_day[i]], hit_visitor[i]
  if day.visitors[visitor] == nil then
    day.visitors[visitor] = false
    day.keys[#day.keys + 1] = visitor
    day.group_of[visitor] = hit_group[i]
  end
end
local function read_visitors(day, visitors)
  for i, value in ipairs(get(day.store, visitors)) do
    day.visitors[visitors[i]] = value and read_visitor(value)
  end
end
local function read_groups(day)
  local names = {}
  for _, visitor in ipairs(day.keys) do
    local group = day.group_of[visitor]
    if not day.visitors[visitor] and not day.groups[group] then
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

for i, id in ipairs(hit_event) do
  if id ~= '' then
    for near = -HOUR, HOUR, HOUR do
      insert(hour_of(hit_time[i] + near).names, id)
    end
  end
end
for hour, ids in pairs(seen) do
  for i, time in ipairs(get(name_of(KEY.seen, hour), ids.names)) do
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
