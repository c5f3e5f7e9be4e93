"""The writer's end of a shard's stream: reading, trimming and setting entries aside.

What an entry is says `entry`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from redis import Redis, RedisCluster, RedisError

from page_tracker.store import keys
from page_tracker.store.entry import Entry
from page_tracker.store.ingest import new_origin

# What every method of a stream raises where Redis does not answer.
StreamAwayError = RedisError

# A writer that has not said anything for so long is not running.
HEARD_OF = 60  # seconds


@dataclass(frozen=True)
class Aside:
    """An entry that was set aside: `id` names it for `replay` and `forget`."""

    id: str
    number: int
    why: str
    # Milliseconds since 1970.
    moment: int
    sites: tuple[str, ...]
    size: int


class Stream:
    """One shard's stream. The client must not decode what it reads.

    Every method raises redis.RedisError where Redis does not answer, and may be called
    again then: a second time changes nothing.
    """

    def __init__(self, redis: Redis | RedisCluster, shard: int = 0) -> None:
        self._redis = cast(Redis, redis)
        self.shard = shard
        self._stream = keys.stream(shard)
        self._state = keys.state(shard)
        self._aside = keys.aside(shard)

    def origin(self) -> int:
        """The store's origin; drawn now where it is new or was emptied."""
        known = self._redis.hget(self._state, "origin")
        if known is None:
            self._redis.hsetnx(self._state, "origin", new_origin())
            known = self._redis.hget(self._state, "origin")
        return int(cast(bytes, known))

    def last(self) -> int:
        """Number of the last entry that was appended; 0 before the first."""
        return int(cast(bytes | None, self._redis.hget(self._state, "number")) or 0)

    def first(self) -> int | None:
        """Number of the first entry that waits; None where none does."""
        entries = self.read(0, 1)
        return entries[0].number if entries else None

    def waiting(self) -> int:
        """How many rows (hits and drops) wait."""
        return int(self._redis.eval(_WAITING, 2, self._stream, self._state))

    def drained(self) -> int:
        """How many rows were removed for being in the lake; 0 where none ever was."""
        return int(cast(bytes | None, self._redis.hget(self._state, "drained")) or 0)

    def read(self, after: int, most: int) -> list[Entry]:
        """At most `most` entries with numbers above `after`, in order."""
        found = self._redis.xrange(self._stream, min=f"({after}-0", count=most)
        return [_entry(name, fields) for name, fields in cast(_Found, found)]

    def trim(self, position: int, origin: int) -> int:
        """Remove the entries up to `position`, which are in the lake; answers how many.

        Nothing is removed where those entries are of another origin: the store was
        emptied since they were read.
        """
        arguments = (self._stream, self._state, position, origin)
        return int(self._redis.eval(_TRIM, 2, *arguments))

    def set_aside(self, number: int, why: str) -> bool:
        """Take an entry out of the stream, and keep it; False where it is not there."""
        arguments = (self._stream, self._aside, number, why)
        return bool(self._redis.eval(_SET_ASIDE, 2, *arguments))

    def aside(self) -> list[Aside]:
        """What was set aside, oldest first."""
        found = cast(_Found, self._redis.xrange(self._aside))
        return [_aside(name.decode(), fields) for name, fields in found]

    def replay(self, id_: str) -> int:
        """Append an entry that was set aside to the stream again.

        Answers its new number; 0 where it is not there (any more).
        """
        names = (self._aside, self._stream, self._state)
        return int(self._redis.eval(_REPLAY, 3, *names, id_, new_origin()))

    def forget(self, id_: str) -> bool:
        """Throw away an entry that was set aside; False where it is not there."""
        return bool(self._redis.xdel(self._aside, id_))

    def renew_origin(self, old: int) -> int:
        """Give the store a new origin in place of `old`; answers the one it has now.

        For a store that was restored: what it numbers from now on is new to the lake,
        and its counters begin anew, as the lake knows better what came before.
        Entries that wait keep the old one; those that the lake lacks though it has
        their number are brought in by `set_aside` and `replay`.
        """
        arguments = (self._state, old, new_origin())
        return int(self._redis.eval(_RENEW_ORIGIN, 1, *arguments))

    def is_miscounted(self) -> None:
        """Have all sites recounted: the lake got hits that no counter knows."""
        self._redis.unlink(keys.recounted())

    def tell(self, moment: int, trouble: str = "") -> None:
        """Say for all to see that the writer is at work, and what keeps it from it.

        `moment` in milliseconds since 1970.
        """
        key = keys.writer(self.shard)
        self._redis.hset(key, mapping={"moment": moment, "trouble": trouble})
        self._redis.expire(key, HEARD_OF)

    def told(self) -> tuple[int, str] | None:
        """What `tell` said last; None where no writer is at work."""
        found = cast(dict[bytes, bytes], self._redis.hgetall(keys.writer(self.shard)))
        return (int(found[b"moment"]), found[b"trouble"].decode()) if found else None


_Found = Iterable[tuple[bytes, dict[bytes, bytes]]]


def _entry(name: bytes, fields: dict[bytes, bytes]) -> Entry:
    return Entry(int(name.partition(b"-")[0]), fields)


def _aside(name: str, fields: Mapping[bytes, bytes]) -> Aside:
    sites = fields.get(b"sites", b"").decode(errors="replace")
    return Aside(
        id=name,
        number=int(fields[b"number"]),
        why=fields[b"why"].decode(errors="replace"),
        moment=int(name.partition("-")[0]),
        sites=tuple(sites.splitlines()),
        size=int(fields.get(b"rows", 0)),
    )


# A store without memory must still be drained: what shrinks it runs there too.
_DRAINING = "#!lua flags=allow-oom\n"
_READING = "#!lua flags=no-writes\n"
_WRITING = "#!lua\n"

_FUNCTIONS = """
local function fields_of(entry)
  local fields = {}
  for i = 1, #entry[2], 2 do
    fields[entry[2][i]] = entry[2][i + 1]
  end
  return fields
end
local function drained(stream, total)
  local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  if not first then
    return total
  end
  local fields = fields_of(first)
  return (tonumber(fields.total) or total) - (tonumber(fields.rows) or 0)
end
"""

_WAITING = _READING + _FUNCTIONS + """
local total = tonumber(redis.call('HGET', KEYS[2], 'total') or 0)
return total - drained(KEYS[1], total)
"""

_TRIM = _DRAINING + _FUNCTIONS + """
local last = redis.call('XREVRANGE', KEYS[1], ARGV[1], '-', 'COUNT', 1)[1]
if not last or fields_of(last).origin ~= ARGV[2] then
  return 0
end
local removed = redis.call('XTRIM', KEYS[1], 'MINID', '=', (ARGV[1] + 1) .. '-0')
local total = tonumber(redis.call('HGET', KEYS[2], 'total') or 0)
redis.call('HSET', KEYS[2], 'drained', drained(KEYS[1], total))
return removed
"""

_SET_ASIDE = _DRAINING + """
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then
  return 0
end
local fields = entry[2]
for _, value in ipairs({ 'number', ARGV[1], 'why', ARGV[2] }) do
  table.insert(fields, value)
end
redis.call('XADD', KEYS[2], '*', unpack(fields))
redis.call('XDEL', KEYS[1], entry[1])
return 1
"""

_REPLAY = _WRITING + _FUNCTIONS + """
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then
  return 0
end
local fields = fields_of(entry)
local state = redis.call('HMGET', KEYS[3], 'origin', 'number', 'total')
local origin, number = state[1] or ARGV[2], (state[2] or 0) + 1
local total = (state[3] or 0) + (tonumber(fields.rows) or 0)
fields.born = fields.born or fields.origin
fields.origin, fields.total, fields.why, fields.number = origin, total, nil, nil
local flat = {}
for name, value in pairs(fields) do
  table.insert(flat, name)
  table.insert(flat, value)
end
local exists = redis.call('EXISTS', KEYS[2]) == 1
local facts = exists and redis.call('XINFO', 'STREAM', KEYS[2]) or {}
for i = 1, #facts, 2 do
  if facts[i] == 'last-generated-id' then
    number = math.max(number, string.match(facts[i + 1], '%d+') + 1)
  end
end
redis.call('XADD', KEYS[2], number .. '-0', unpack(flat))
redis.call('HSET', KEYS[3], 'origin', origin, 'number', number, 'total', total)
redis.call('XDEL', KEYS[1], ARGV[1])
return number
"""

# A day's running numbers stay: none is given twice.
_RENEW_ORIGIN = """#!lua
if redis.call('HGET', KEYS[1], 'origin') == ARGV[1] then
  local prefix = string.sub(KEYS[1], 1, -6)
  local today = math.floor(redis.call('TIME')[1] / 86400)
  for _, site in ipairs(redis.call('HKEYS', prefix .. 'totals')) do
    redis.call('UNLINK', prefix .. 'pages:' .. site)
    for day = today - 3, today + 1 do
      redis.call('HDEL', prefix .. 'today:' .. day .. ':' .. site,
        'visitors', 'visits', 'views', 'events', 'bounces', 'since')
    end
  end
  redis.call('UNLINK', prefix .. 'totals')
  redis.call('HSET', KEYS[1], 'origin', ARGV[2])
end
return tonumber(redis.call('HGET', KEYS[1], 'origin'))
"""
