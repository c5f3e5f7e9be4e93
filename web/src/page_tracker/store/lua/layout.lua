-- What lies where in a shard, for every script. Beside this the scripts have, from
-- scripts.py: KEY (the kinds of keys), SUMS, OTHER, GROUP_DIGITS and further constants.

-- A visitor is a list, which costs a third of what a record with names does: numbers of
-- the visitor and the visit; when the visit began, its last hit and its last one but
-- engagements (milliseconds); its steps, views and interactions; its opening (msgpack);
-- path, hostname and source of its last page view.
local NUMBER, VISIT, BEGAN, LAST, COUNTED, STEP, VIEWS, INTERACTIONS = 1, 2, 3, 4, 5, 6, 7, 8
local OPENING, PATH, HOSTNAME, SOURCE = 9, 10, 11, 12
local VISITOR = '<I4I4dddI4I4I4I4c0I4c0I4c0I4c0'

local function visitor_without_visit(number)
  return { number, 0, 0, 0, 0, 0, 0, 0, '', '', '', '' }
end

local function read_visitor(bytes)
  return { struct.unpack(VISITOR, bytes) }
end

local function write_visitor(v)
  return struct.pack(VISITOR, v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8],
    #v[9], v[9], #v[10], v[10], #v[11], v[11], #v[12], v[12])
end
