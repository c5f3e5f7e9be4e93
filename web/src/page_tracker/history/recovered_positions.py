"""How far streams and imports are in a lake whose log is lost, derived from its files.

stream   what is no longer queued in the store was stored; of what is queued, the
         batches up to the last one whose hits are in the files
import   done: all of its days; else the days that have hits in the files
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from deltalake import CommitProperties, Transaction

from page_tracker.days import day_number
from page_tracker.history.imported_rows import DROPS_IN
from page_tracker.history.register import Import
from page_tracker.lake.log_recovery import Probe, days_in, numbers_in
from page_tracker.lake.table import Lake
from page_tracker.origins import of_import, of_stream, rows_of
from page_tracker.schema import HITS
from page_tracker.store.entry import Entry, UnreadableEntryError
from page_tracker.store.stream import Stream

# A writer has committed at most one batch that is still queued: of fewer entries.
MAX_ENTRIES = 5_000

_AT = {name: [each.name for each in HITS].index(name) for name in ("site", "visit")}


def positions(
    streams: Iterable[Stream], imports: Iterable[Import], files: Sequence[Path]
) -> dict[str, list[Transaction]]:
    """By table the transactions that the log of a lake with these files must have."""
    read = [each for stream in streams for each in _of_stream(stream, files)]
    hits, drops = list(read), list(read)
    for entry in imports:
        if done := _days_done(entry, files):
            hits.append(Transaction(of_import(entry.origin), done))
        if entry.state == "done":
            drops.append(Transaction(of_import(entry.origin), DROPS_IN))
    return {"hits": hits, "drops": drops}


def continue_from_queue(lake: Lake, streams: Iterable[Stream]) -> None:
    """Make a new lake go on with what is queued, without what went to another one."""
    for stream in streams:
        with lake.using("hits") as hits:
            said = CommitProperties(
                custom_metadata={"days": []}, app_transactions=_of_stream(stream, [])
            )
            hits.create_write_transaction(
                [], "append", hits.schema(), commit_properties=said
            )


def _of_stream(stream: Stream, files: Sequence[Path]) -> list[Transaction]:
    waiting = stream.read(0, MAX_ENTRIES)
    present = numbers_in(files, list(_probes(waiting)))
    origin = stream.origin()
    own = [each.number for each in waiting if each.origin == origin]
    # What is no longer queued was stored; if nothing is queued, numbering continues.
    last = {origin: own[0] - 1 if own else stream.last()}
    for entry in waiting:
        if entry.number in present:
            last[entry.origin] = max(last.get(entry.origin, 0), entry.number)
    return [
        Transaction(of_stream(each, stream.shard), number)
        for each, number in last.items()
        if number
    ]


def _probes(entries: Iterable[Entry]) -> Iterator[Probe]:
    """A hit from each batch that has one."""
    for entry in entries:
        try:
            rows = entry.rows()
        except UnreadableEntryError:
            continue
        if rows:
            row = rows[0]
            yield Probe(entry.number, row[_AT["site"]], row[_AT["visit"]], row[0])


def _days_done(entry: Import, files: Sequence[Path]) -> int:
    """How many of an import's days are in the lake; they go in in order."""
    if entry.state == "done":
        return len(entry.days)
    if entry.state != "writing":
        return 0
    found = set(map(day_number, days_in(files, rows_of(entry.origin))))
    places = [at for at, day in enumerate(entry.days, 1) if day.day in found]
    return max(places, default=0)
