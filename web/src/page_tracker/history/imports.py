"""One command, one import: from logs to the lake, exactly once, and back.

    read        logs → page views in the spool; the lake knows nothing of them
    note        the import, its origin and its content: from now on it counts
    commit      day by day, small ones together: visits → one commit, numbered by its
                last day, under the import's origin
    count       its views in the live counters
    done        the spool is deleted

If it is killed before the note, nothing has happened. After it, the next command
finishes the import: the days' numbers in the lake tell which are in. Undoing takes the
same way back, and the next command finishes it too.
"""

from __future__ import annotations

import secrets
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from socket import gethostname
from typing import Protocol

import duckdb
import msgspec
from deltalake.exceptions import DeltaError
from msgspec.structs import replace

from page_tracker.days import date_of
from page_tracker.errors import ImportRefusedError, ImportStoppedError
from page_tracker.files import sync
from page_tracker.history.expired_imports import (
    first_day_of,
    gone_before,
    has_gone_partly,
    may_be_repeated,
)
from page_tracker.history.import_days import found_in
from page_tracker.history.imported_rows import ImportedRows
from page_tracker.history.lines import Log, open_log, size_of
from page_tracker.history.log_reader import Reader, Tally
from page_tracker.history.register import (
    Dropped,
    Import,
    Register,
    undone,
)
from page_tracker.history.wanted import Wanted
from page_tracker.history.workers import Crew, Task
from page_tracker.origins import new_origin
from page_tracker.processes.garbage_collection import garbage_collected_seldom
from page_tracker.sites.site import Site

# The share of a log's bytes that its page views may take, in spool and lake.
_SHARE_OF_LOG = 0.2
_PACKED_TIMES = 20
_LEAST_ROOM = 16 << 20


class Counters(Protocol):
    """The live counters, as far as imports use them."""

    def put_import(
        self, site: str, import_id: str, views: dict[str, int], most: int
    ) -> None:
        """Count an import's views, replacing what it counted before."""

    def remove_import(self, site: str, import_id: str) -> None:
        """Stop counting an import's views."""


class Watcher(Protocol):
    """Is informed of an import's progress, to show it to a person."""

    def reads(self, log: Log) -> None:
        """This much of the log has been read."""

    def writes(self, done: int, days: int) -> None:
        """This many of the days are in the lake."""

    def finishes(self, entry: Import) -> None:
        """An interrupted import, or undoing, is finished first."""


class Order(msgspec.Struct, frozen=True):
    """What is asked for."""

    site: Site
    logs: Sequence[str]
    wanted: Wanted = Wanted()
    overlap: bool = False


class Imports:
    """The imports of a data folder and its lake."""

    def __init__(
        self,
        register: Register,
        stored: ImportedRows,
        counters: Counters,
        watcher: Watcher,
    ) -> None:
        self.register = register
        self._stored = stored
        self._counters = counters
        self._watcher = watcher

    def rehearse(self, order: Order, lookups: Path) -> Tally:
        """Find out what an import would bring, and change nothing.

        Raises LogFileError, ImportRefusedError as it would, ImportStoppedError.
        """
        with _reporting_failures("rehearsal"):
            tally = self._read(order, lookups, "", None, time.time())
            self._check_days(order, tally)
            return tally

    def run(self, order: Order, lookups: Path, sites: Iterable[Site]) -> Outcome:
        """Import what is new in these logs; `sites` are all sites.

        Raises LogFileError, ImportRefusedError, ImportsBusyError (nothing of it counts
        then), ImportStoppedError, RedisError (the next command finishes it).
        """
        with self.register.locked(), _reporting_failures("import"):
            self.finish(sites)
            _check_room(order.logs, self.register.folder)
            import_id, started = self.register.next_id(), time.time()
            spool = self.register.spool_of(import_id)
            spool.mkdir(mode=0o700)
            try:
                tally = self._read(order, lookups, import_id, spool, started)
                self._check_days(order, tally)
                sync(spool)
            except BaseException:
                shutil.rmtree(spool, ignore_errors=True)
                raise
            if not tally.parts:
                shutil.rmtree(spool, ignore_errors=True)
                return Outcome(None, tally)
            entry = self._entry(order, import_id, tally, started)
            self.register.save(entry)
            return Outcome(self._write(entry, order.site.max_pages), tally)

    def undo(
        self, import_id: str, sites: Iterable[Site], site: str | None = None
    ) -> Import:
        """Take an import out of lake and counters; its logs can be imported again.

        Raises UnknownImportError, also where it is not that of the `site` that is
        named, ImportRefusedError where others continue its logs, ImportsBusyError,
        ImportStoppedError (the next command finishes it).
        """
        with self.register.locked(), _reporting_failures("undoing"):
            entry = self.register.get(import_id, site)
            if later := self.register.continuing(entry):
                raise ImportRefusedError(
                    f"the logs of import {import_id} were continued by"
                    f" {', '.join(later)}, whose lines would not be known in them any"
                    " more",
                    f"undo first, in this order: {', '.join(later)}",
                )
            self.register.save(replace(entry, state="undoing"))
            self._take_out(entry)
            self.finish(sites)
            return entry

    def finish(self, sites: Iterable[Site]) -> None:
        """Finish what a killed process has begun. The register has to be locked."""
        most = {site.id: site.max_pages for site in sites}
        for entry in self.register.all():
            if entry.state in ("writing", "undoing"):
                self._watcher.finishes(entry)
            if entry.state == "writing":
                self._write(entry, most.get(entry.site, 0))
            elif entry.state == "undoing":
                self._take_out(entry)
        self.register.throw_away_spools()

    def _read(
        self,
        order: Order,
        lookups: Path,
        import_id: str,
        spool: Path | None,
        now: float,
    ) -> Tally:
        first_day = first_day_of(order.site, now)
        task = Task(order.site, secrets.token_bytes(32), lookups, spool, first_day)
        crew = Crew(task)
        reader = Reader(
            crew,
            self.register.known_parts(
                order.site.id,
                lambda entry: may_be_repeated(self.register, entry, first_day),
            ),
            import_id or "of this command",
            spool,
            order.wanted,
            self._watcher.reads,
        )
        with closing(crew), garbage_collected_seldom():
            for name in order.logs:
                with open_log(name) as log:
                    reader.read(log)
        for each in self.register.present(order.site.id):
            if each.id in reader.tally.known_by and has_gone_partly(
                self.register, each, first_day
            ):
                reader.tally.notes.append(
                    f"of import {each.id}, which knows these lines, some were older"
                    f" than what the site kept: to have them counted, --undo {each.id},"
                    " then import again"
                )
        return reader.tally

    def _check_days(self, order: Order, tally: Tally) -> None:
        if order.overlap:
            return
        origins = {each.origin for each in self.register.all()}
        live = self._stored.live_days(order.site.id, sorted(tally.views), origins)
        if live:
            shown = ", ".join(str(date_of(day)) for day in live[:5])
            more = f" and {len(live) - 5} more days" if len(live) > 5 else ""
            raise ImportRefusedError(
                f"{order.site.id} has counted hits of {shown}{more} itself, and the"
                " log would count them twice",
                "leave those lines out, or import them all the same with --overlap",
            )

    def _entry(
        self, order: Order, import_id: str, tally: Tally, started: float
    ) -> Import:
        return Import(
            id=import_id,
            site=order.site.id,
            origin=self._new_origin(),
            state="writing",
            started=int(started),
            logs=tuple(tally.logs),
            formats=tuple(tally.formats),
            parts=tuple(tally.parts),
            continues=tuple(sorted(tally.continues)),
            lines=tally.lines,
            pageviews=tally.pageviews,
            left_out=dict(tally.left_out),
            days=tally.days(),
            drops=tuple(
                Dropped(each.day, each.reason, each.name, number)
                for each, number in sorted(tally.drops.items())
            ),
            first_day=first_day_of(order.site, started),
            replaces=tuple(sorted(tally.repeats)),
            machine=gethostname(),
        )

    def _new_origin(self) -> int:
        taken = {each.origin for each in self.register.all()}
        while True:
            origin = new_origin()
            if origin not in taken and not self._stored.has_origin(origin):
                return origin

    def _write(self, entry: Import, max_pages: int) -> Import:
        spool = self.register.spool_of(entry.id)
        if entry.days and not spool.is_dir():
            raise _rest_is_gone(entry, spool)
        views: Counter[str] = Counter()
        done = self._stored.days_in(entry)
        with closing(found_in(spool, entry.days, entry.origin, done)) as all_found:
            for found in all_found:
                views.update(found.views)
                if found.hits is not None:
                    self._stored.commit(entry, found.first, found.last, found.hits)
                self._watcher.writes(found.last, len(entry.days))
        self._stored.commit_drops(entry)
        for replaced in self.register.present(entry.site):
            if replaced.id in entry.replaces:
                self._forget(replaced)
        self._counters.put_import(entry.site, entry.id, dict(views), max_pages)
        entry = replace(entry, state="done")
        self.register.save(entry)
        shutil.rmtree(spool, ignore_errors=True)
        return entry

    def _take_out(self, entry: Import) -> None:
        self._stored.delete(entry)
        self._forget(entry)

    def _forget(self, entry: Import) -> None:
        """Forget an import that has no rows left."""
        self._counters.remove_import(entry.site, entry.id)
        # Retention has taken drops as it took hits.
        before = gone_before(self.register, entry)
        left = tuple(each for each in entry.drops if each.day >= before)
        self._stored.take_back_drops(replace(entry, drops=left))
        self.register.save(undone(entry))


def _rest_is_gone(entry: Import, spool: Path) -> ImportRefusedError:
    what = f"import {entry.id} of {entry.site} was interrupted"
    undo = (
        f"page-tracker import {entry.site} --undo {entry.id} takes out what is in; then"
        " import the logs again"
    )
    if entry.machine not in ("", gethostname()):
        return ImportRefusedError(
            f"{what} on {entry.machine}, which has the rest of it",
            f"run any import there, which finishes it; or {undo}",
        )
    return ImportRefusedError(f"{what}, and {spool} with the rest of it is gone", undo)


class Outcome(msgspec.Struct, frozen=True):
    """What an import has done; `entry` is None if nothing was new."""

    entry: Import | None
    tally: Tally


@contextmanager
def _reporting_failures(what: str) -> Iterator[None]:
    """Raise ImportStoppedError for failures of disk, memory or lake."""
    try:
        yield
    except (OSError, DeltaError, duckdb.Error, BrokenExecutor) as error:
        why = str(error).partition("\n")[0] or type(error).__name__
        raise ImportStoppedError(
            f"the {what} was stopped ({why})",
            "check that there is room, then run the same command: it goes on by itself",
        ) from error


def _check_room(logs: Sequence[str], folder: Path) -> None:
    """Raises ImportRefusedError if there is no room for the logs."""
    bytes_ = 0
    for name in logs:
        is_packed = Path(name).suffix in (".gz", ".bz2", ".xz")
        bytes_ += (size_of(name) or 0) * (_PACKED_TIMES if is_packed else 1)
    needed = int(bytes_ * _SHARE_OF_LOG) + _LEAST_ROOM
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ImportRefusedError(
            f"{folder} has {free >> 20} MB of room, and these logs may need"
            f" {needed >> 20}",
            "make room, or import them in parts",
        )
