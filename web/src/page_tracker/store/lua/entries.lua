-- What a stream's entries say, for the scripts that read them.

local function fields_of(entry)
  local fields = {}
  for i = 1, #entry[2], 2 do
    fields[entry[2][i]] = entry[2][i + 1]
  end
  return fields
end

-- How many rows of all that were ever appended (`total`) wait in the stream no more. By
-- its own first entry: entries may have been taken away.
local function rows_drained(stream, total)
  local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  if not first then
    return total
  end
  local fields = fields_of(first)
  return (tonumber(fields.total) or total) - (tonumber(fields.rows) or 0)
end

-- The highest number that a stream has ever had; 0 of one that is not there.
local function last_number(stream)
  if redis.call('EXISTS', stream) == 0 then
    return 0
  end
  local facts = redis.call('XINFO', 'STREAM', stream)
  for i = 1, #facts, 2 do
    if facts[i] == 'last-generated-id' then
      return tonumber((string.match(facts[i + 1], '%d+')))
    end
  end
end

-- Which run of a server numbers entries now: Redis draws another name whenever a server
-- starts or a replica is promoted. Empty where it does not say.
local function present_term()
  local said = redis.pcall('INFO', 'replication')
  local name = type(said) == 'string' and string.match(said, 'master_replid:(%x+)')
  return name and string.sub(name, 1, 16) or ''
end
