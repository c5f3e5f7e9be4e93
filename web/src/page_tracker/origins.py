"""Origins: whose running numbers the rows of the lake have.

A store numbers a day's visitors and visits from 1, and so does an import. What keeps
their numbers separate is the *origin*: a random number of 31 bits, the high half of
every visitor and visit number. An origin is drawn for

    a shard of a store    when it is new or was emptied (`Stream.origin`, the script)
    the same, again       when it was restored from an older copy, so that its next
                          numbers are already in use (`Writer.round`, `renew_origin`)
    an import             when it begins (`history/imports.py`)

How far an origin's rows are in the lake is recorded by application transactions of
Delta's log, each a name and a number:

    stream:ORIGIN:SHARD   in hits and in drops: the number of the last entry stored
    term:ORIGIN:SHARD:TERM
                          the same of the entries that one run of a server numbered
    import:ORIGIN         in hits: how many of its days are stored
                          in drops: 1, they are stored; 2, they were undone

Servers of one origin may number entries differently, if a replica is promoted that
lacked some. So an entry has the *term* in which it was numbered too, which Redis draws
anew whenever a server starts or is promoted: two entries are the same if they have both
number and term in common, and so are all before them (`writer/stored.py`).

An entry keeps the origin that it was stored under. One that was set aside and is
replayed under a newer origin keeps the numbers of its rows (its field `born`), and is
counted as stored by the newer one. A store counts only hits of its present origin: the
rows of all others are counted from the lake (`upkeep/recount.py`). If the log of the
lake was lost, the contents of the transactions are derived from the files
(`history/recovered_positions.py`).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from page_tracker.schema import NUMBER_BITS, ORIGIN_BITS

# A row's origin, as an SQL expression.
ORIGIN_OF_ROW = f"visitor >> {NUMBER_BITS}"


def new_origin() -> int:
    """A random origin; never 0."""
    return secrets.randbelow(2**ORIGIN_BITS - 1) + 1


def numbers_of(origin: int) -> range:
    """The numbers of an origin's visitors, and of its visits."""
    return range(origin << NUMBER_BITS, (origin + 1) << NUMBER_BITS)


def rows_of(origin: int) -> str:
    """The rows of one origin, as an SQL condition that skips files."""
    numbers = numbers_of(origin)
    return f"visitor BETWEEN {numbers[0]} AND {numbers[-1]}"


def rows_of_any(origins: Iterable[int]) -> str:
    """The rows of any of these origins, as an SQL condition."""
    return f"{ORIGIN_OF_ROW} IN ({_listed(origins)})"


def rows_of_none(origins: Iterable[int]) -> str:
    """The rows of none of these origins, as an SQL condition."""
    return f"{ORIGIN_OF_ROW} NOT IN ({_listed(origins)})"


def _listed(origins: Iterable[int]) -> str:
    return ", ".join(map(str, origins)) or "-1"


def of_stream(origin: int, shard: int) -> str:
    """The application whose number is that of the shard's last entry in the lake."""
    return f"{_STREAM}{origin}:{shard}"


def is_of_stream(application: str) -> bool:
    """Whether an application counts entries of any store."""
    return application.startswith(_STREAM)


def streams_in(applications: Iterable[str]) -> set[int]:
    """The origins of the stores whose entries any of these applications count."""
    return {int(name.split(":")[1]) for name in applications if is_of_stream(name)}


def of_term(origin: int, shard: int, term: str) -> str:
    """The application whose number is that of the term's last entry in the lake."""
    return f"term:{origin}:{shard}:{term}"


def of_import(origin: int) -> str:
    """The application whose number is how many days of an import are in the lake."""
    return f"import:{origin}"


_STREAM = "stream:"
