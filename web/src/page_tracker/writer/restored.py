"""Which queued batches of a restored store the lake lacks, whatever clocks say.

A store that was restored, or a replica that was promoted, numbers new batches from
where its copy ends; so the lake may have other batches under these numbers. Its queue
begins with batches from before, which the lake has, and goes on with new ones. Those
are recognised by their hits: a hit of the lake has the same moment, in microseconds,
and the same page, browser and place. That a moment is earlier or later says nothing:
the hits come from many machines, and some have waited on disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from deltalake import DeltaTable, QueryBuilder

from page_tracker.schema import HITS
from page_tracker.store.entry import Entry, UnreadableEntryError

# What identifies a hit; its numbers may differ from one copy of the store to another.
IDENTITY = ("time", "site", "name", "hostname", "path", "browser", "os", "country")
# So many moments are looked for at once.
AT_ONCE = 1_000

_PLACES = [[column.name for column in HITS].index(name) for name in IDENTITY]
_COLUMNS = ", ".join(["CAST(time AS BIGINT) AS time", *IDENTITY[1:]])

Identity = tuple[Any, ...]


def lacking_in(hits: DeltaTable, queued: Sequence[Entry]) -> list[Entry]:
    """The batches of a queue, in its order, that are not in the table.

    Of a batch that has only drops nobody can tell: it is as those before it are.
    """
    identities = [_identities(entry) for entry in queued]
    known = _known(hits, {each[0] for some in identities if some for each in some})
    lacking: list[Entry] = []
    for entry, some in zip(queued, identities, strict=True):
        is_new = some is None or (bool(some) and known.isdisjoint(some))
        is_in_doubt = not some and bool(lacking)
        if is_new or is_in_doubt:
            lacking.append(entry)
    return lacking


def _identities(entry: Entry) -> list[Identity] | None:
    """What identifies a batch's hits; None if it cannot be read."""
    try:
        return [tuple(row[place] for place in _PLACES) for row in entry.rows()]
    except UnreadableEntryError:
        return None


def _known(hits: DeltaTable, moments: Iterable[int]) -> set[Identity]:
    """What identifies the table's hits of some moments."""
    ordered = sorted(moments)
    return {
        identity
        for at in range(0, len(ordered), AT_ONCE)
        for identity in _read(hits, ordered[at : at + AT_ONCE])
    }


def _read(hits: DeltaTable, moments: Sequence[int]) -> Iterator[Identity]:
    found = (
        QueryBuilder()
        .register("hits", hits)
        .execute(
            f"SELECT {_COLUMNS} FROM hits"  # nosec: numbers
            f" WHERE CAST(time AS BIGINT) IN ({', '.join(map(str, moments))})"
        )
        .read_all()
    )
    return zip(*(found[name].to_pylist() for name in IDENTITY), strict=True)
