"""Every Redis key of the collecting side, made in one place. Pure.

A shard's keys begin with its hash tag, `pt{N}:`, so that in a cluster they lie together
and one script may touch them all. The scripts make the same names, `<kind>:<of what>`,
from the same prefix and kinds.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum

# What is beyond a bound counts under this name.
OTHER = "(other)"


class ShardKey(StrEnum):
    """The kinds of a shard's keys that scripts name."""

    STREAM = "stream"
    STATE = "state"
    QUEUE = "queue"
    SEEN = "seen"
    VISITORS = "visitors"
    TODAY = "today"
    PAGES = "pages"
    TOTALS = "totals"
    MINUTE = "minute"
    PAGES_NOW = "pages_now"
    SOURCES_NOW = "sources_now"
    DROPS = "drops"


def shard_of(visitor: bytes, shards: int) -> int:
    """The shard, from 0, that all hits of a visitor go to, in every process."""
    if shards == 1:
        return 0
    digest = hashlib.blake2b(visitor, digest_size=8).digest()
    return int.from_bytes(digest, "big") % shards


def prefix(shard: int) -> str:
    return f"pt{{{shard}}}:"


def stream(shard: int) -> str:
    """The shard's stream of batches: entry ids `<number>-0`."""
    return prefix(shard) + ShardKey.STREAM


def absent(shard: int) -> str:
    """A key that is never there: a script that names it too is told to try again
    while a shard's keys are moved to another server one by one, when it would find
    some of them only."""
    return prefix(shard) + "absent"


def state(shard: int) -> str:
    """Hash: origin, number (of the last entry), total and drained (rows)."""
    return prefix(shard) + ShardKey.STATE


def aside(shard: int) -> str:
    """Hash of the entries set aside: `<origin>-<number>` → the entry and why."""
    return prefix(shard) + "aside"


def kept(shard: int) -> str:
    """Stream of entries that the lake has, for a while: it may lose its last ones."""
    return prefix(shard) + "kept"


def writer(shard: int) -> str:
    """Hash: when the shard's writer last ran (moment, ms), and its last error."""
    return prefix(shard) + "writer"


def writers() -> str:
    """Sorted set: the writers at work, by when each last said so (ms)."""
    return "pt:writers"


def commits(shard: int) -> str:
    """Hash: how many commits the shard's writers have made, how long they took, and how
    many were refused."""
    return prefix(shard) + "commits"


def queue(shard: int, queue_id: str) -> str:
    """Number of the last batch that came from a queue, and what became of each hit."""
    return f"{prefix(shard)}{ShardKey.QUEUE}:{queue_id}"


def seen(shard: int, hour: int) -> str:
    """Hash of an hour: hash of a site and an event id → milliseconds since 1970."""
    return f"{prefix(shard)}{ShardKey.SEEN}:{hour}"


def visitors(shard: int, origin: int, day: int, site: str) -> str:
    """Hash of a site's day: visitor → its numbers and its visit; `(other)` stands for
    all beyond the bounds; visitor and `<` → an earlier visit of that one, which hits
    that come late belong to; group of addresses (a number) → how many visitors it has.
    """
    return f"{prefix(shard)}{ShardKey.VISITORS}:{origin}:{day}:{site}"


def today(shard: int, day: int, site: str) -> str:
    """Hash of a site's day: the running numbers and the sums so far; `bytes`, roughly,
    of its visitors, and `folded`, hits of those who are not told apart. It is forgotten
    after its day, unless hits have come after that."""
    return f"{prefix(shard)}{ShardKey.TODAY}:{day}:{site}"


def pages(shard: int, site: str) -> str:
    """Hash: path → page views, all time."""
    return f"{prefix(shard)}{ShardKey.PAGES}:{site}"


def totals(shard: int) -> str:
    """Hash: site → page views, all time."""
    return prefix(shard) + ShardKey.TOTALS


def minute(shard: int, minute_: int, site: str) -> str:
    """Hash of a site's minute: views; visitors; those of them seen last in it."""
    return f"{prefix(shard)}{ShardKey.MINUTE}:{minute_}:{site}"


def pages_now(shard: int, minute_: int, site: str) -> str:
    """Hash: path → visitors seen last in that minute, on that page."""
    return f"{prefix(shard)}{ShardKey.PAGES_NOW}:{minute_}:{site}"


def sources_now(shard: int, minute_: int, site: str) -> str:
    """Hash: source → visitors seen last in that minute, who came from there."""
    return f"{prefix(shard)}{ShardKey.SOURCES_NOW}:{minute_}:{site}"


def drops(shard: int, day: int, site: str) -> str:
    """Hash of a day: `<reason>\\0<name>` → number; `site` is empty for unknown ones,
    whose names take the place of `name`."""
    return f"{prefix(shard)}{ShardKey.DROPS}:{day}:{site}"


def salt(site: str, day: int) -> str:
    """The salt of a site's day."""
    return f"pt:salt:{day}:{site}"


def salts() -> str:
    """Sorted set of the keys of salts, by the second at which they expire."""
    return "pt:salts"


def guesses(address: str) -> str:
    """List: when an address or a name, told by its keyed hash, has guessed (ms)."""
    return f"pt:guesses:{address}"


def imports(site: str) -> str:
    """Hash: id of an import → its page views."""
    return f"pt:imports:{site}"


def earlier_today(site: str, day: int) -> str:
    """Hash: the sums of a day that earlier stores have counted."""
    return f"pt:earlier_today:{day}:{site}"


def recounted() -> str:
    """Hash: site → what its counts of earlier stores and imports were computed from."""
    return "pt:recounted"


def upkeep() -> str:
    """Hash: passes and failures of upkeep, how long it took, when it last succeeded."""
    return "pt:upkeep"


def fill() -> str:
    """Hash: the same of filling ClickHouse's own tables, and how far these are."""
    return "pt:fill"


def removing() -> str:
    """Set of the sites that are being removed."""
    return "pt:removing"


def deletion(site: str) -> str:
    """Hash: day → what its deletion from the lake takes off the counters (JSON)."""
    return f"pt:deletion:{site}"


def imported(site: str, import_id: str) -> str:
    """Hash of one import: path → page views; replaced as a whole."""
    return f"pt:imported:{site}:{import_id}"


def exports() -> str:
    """How many exports there were: the last one's number."""
    return "pt:exports"


def export(number: int) -> str:
    """Which hits an export has (JSON)."""
    return f"pt:export:{number}"
