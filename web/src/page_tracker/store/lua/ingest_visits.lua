-- The second part of the ingest script: finds each hit's visitor and visit.

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
  if then_ and now - then_ <= CURRENT_MINUTES then
    local there = minute_of(live, then_)
    if now ~= then_ then
      count(there.sums, 'current', -1)
    end
    count(there.pages, path, -1)
    count(there.sources, source, -1)
  end
end

-- Visitors that are told apart -----------------------------------------------------

-- Whoever sends under changing names would fill the store, and nobody's hits would be
-- taken any more. So a day's visitors are bounded: what comes beyond counts as one of
-- them, and a group of addresses (there are some thousand, by chance) has a bound too.
local most_visitors, most_of_address = tonumber(ARGV[10]), tonumber(ARGV[11])
local memory -- used and most, bytes; read where a visitor is new

local function read_memory()
  local found = redis.pcall('INFO', 'memory') -- it may be forbidden
  local function number_of(name) -- found plainly: a pattern takes five times as long
    local _, colon = string.find(found, '\n' .. name .. ':', 1, true)
    return colon and tonumber(string.match(found, '^%d+', colon + 1)) or 0
  end
  if type(found) ~= 'string' then
    return { 0, 0 }
  end
  local most_ = number_of('maxmemory')
  return { number_of('used_memory'), most_ > 0 and most_ or number_of('total_system_memory') }
end

local function is_full(day, group)
  memory = memory or read_memory()
  local used, all = memory[1], memory[2]
  local visitors = day.visitor - day.first
  return visitors >= most_visitors
    or day.groups[group] >= most_of_address + floor(2 * visitors / GROUPS)
    or all > 0 and (used > all * SHARE_OF_ALL or day.bytes > all * SHARE_OF_DAY)
end

-- The key that a hit's visitor has in the store.
local function visitor_key(day, i)
  local own = hit_visitor[i]
  if day.visitors[own] or not is_full(day, hit_group[i]) then
    return own
  end
  if day.visitors[OTHER] == nil then
    day.keys[#day.keys + 1] = OTHER
    read_visitors(day, { OTHER })
  end
  return OTHER
end

-- The key of the visitor's visit that a hit may belong to: one that comes late, from long
-- before the visit that the visitor is in by now, leaves that one as it is.
local function visit_key(day, key, time)
  local visitor = day.visitors[key]
  local is_earlier = visitor and visitor[VISIT] > 0
    and visitor[BEGAN] - time >= SILENCE and moment - time >= SILENCE
  if not is_earlier then
    return key
  end
  local earlier = key .. EARLIER
  if day.visitors[earlier] == nil then
    day.keys[#day.keys + 1] = earlier
    read_visitors(day, { earlier })
    day.visitors[earlier] = day.visitors[earlier] or visitor_without_visit(visitor[NUMBER])
  end
  return earlier
end

local function new_visitor(day, i, key)
  local group = hit_group[i]
  day.visitor = day.visitor + 1
  day.sums.visitors = day.sums.visitors + 1
  day.bytes = day.bytes + BYTES + #hit_path[i] + #hit_opening[i]
  day.visitors[key] = visitor_without_visit(day.visitor)
  if group ~= '' and key ~= OTHER then
    day.groups[group] = day.groups[group] + 1
    day.grown[group] = true
  end
  return day.visitors[key]
end

-- Hits -----------------------------------------------------------------------------

local openings, previous = {}, {}

local function open_visit(day, visitor, i)
  day.visit = day.visit + 1
  day.sums.visits = day.sums.visits + 1
  day.sums.bounces = day.sums.bounces + 1
  visitor[VISIT] = day.visit
  visitor[BEGAN], visitor[LAST], visitor[COUNTED] = hit_time[i], hit_time[i], hit_time[i]
  visitor[STEP], visitor[VIEWS], visitor[INTERACTIONS] = 0, 0, 0
  visitor[PATH], visitor[HOSTNAME] = hit_path[i], hit_hostname[i]
  visitor[SOURCE], visitor[OPENING] = hit_source[i], hit_opening[i]
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
    visitor[VIEWS], visitor[PATH], visitor[HOSTNAME] = view, hit_path[i], hit_hostname[i]
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
  local day, time, kind = days[hit_day[i]], hit_time[i], hit_kind[i]
  if hit_event[i] ~= '' and is_repeated(hit_event[i], time) then
    return DUPLICATE, NO_NUMBERS
  end
  local key = visit_key(day, visitor_key(day, i), time)
  local visitor = day.visitors[key]
  local is_open = visitor and visitor[VISIT] > day.closed
    and time - visitor[LAST] < SILENCE
  if kind == ENGAGEMENT and not is_open then
    day.no_visit = day.no_visit + 1
    return NO_VISIT, NO_NUMBERS
  end
  local arrival, then_, path, source = 0, nil, nil, nil
  if not visitor then
    arrival, visitor = 1, new_visitor(day, i, key)
  elseif visitor[VISIT] > 0 then
    then_, path, source = floor(visitor[LAST] / MINUTE), visitor[PATH], visitor[SOURCE]
  end
  if key == OTHER then
    day.folded = day.folded + 1
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
for i = 1, #hit_day do
  outcomes[i], numbers[i] = take(i)
  if outcomes[i] == STORED then
    stored = stored + 1
  end
end
outcomes = table.concat(outcomes)
