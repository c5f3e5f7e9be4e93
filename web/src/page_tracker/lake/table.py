"""The lake's Delta tables: where they are, how they are opened, and the one way in.

    rows → Arrow → Parquet files + one commit to the Delta log

A commit is made from a *snapshot*, a DeltaTable that was just opened, and carries an
application transaction: a name and a number that only ever grows. Whoever reads the
number from the snapshot and commits from that same snapshot adds rows exactly once: of
two that do so at the same time, one is refused (ConflictError) and has to look again.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import timedelta
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec
from arro3.core import Table
from deltalake import (
    ColumnProperties,
    CommitProperties,
    DeltaTable,
    Transaction,
    WriterProperties,
    write_deltalake,
)
from deltalake.exceptions import DeltaError, TableNotFoundError

from page_tracker.days import is_over
from page_tracker.errors import LakeError, PageTrackerError
from page_tracker.files import sync
from page_tracker.lake.closed_days import closed_mark
from page_tracker.lake.columns import Row, arrow_table, delta_schema
from page_tracker.lake.commit_retries import conflicts
from page_tracker.lake.lock import PATIENCE, alone, alone_if_free, folder_of, shared
from page_tracker.lake.replaced import noted
from page_tracker.lake.table_log import LOG, FolderLog, Log, commit_name, has_begun
from page_tracker.schema import DAYS, DROPS, HITS, PAGES, VISITS, Column

if TYPE_CHECKING:  # only a lake in a bucket loads its client
    from page_tracker.lake.copies import Copies

TABLES: dict[str, tuple[Column, ...]] = {
    "hits": HITS,
    "drops": DROPS,
    "days": DAYS,
    "visits": VISITS,
    "pages": PAGES,
}
# Running readers and writers find the files of a snapshot for this long.
GRACE = timedelta(minutes=5)

# How long a bucket keeps a table's log: longer than a process is ever stopped in the
# middle of a commit, since one may only come late where its number is still taken.
LOG_GRACE = timedelta(hours=1)

# The log has the least and greatest value of these columns for each file, by which
# readers skip files. No others: a path in the log would outlive its deletion.
_PRUNED_BY = {
    "hits": "time,day,site",
    "drops": "day,site",
    "days": "day,site,dimension",
    "visits": "day,site",
    "pages": "day,site",
}

# Numbers that hardly repeat: a dictionary of them would only cost space.
_SCATTERED = ("time", "visitor", "visit", "since", "elapsed", "engaged")

PARQUET = WriterProperties(
    compression="ZSTD",
    compression_level=3,
    max_row_group_size=262_144,
    default_column_properties=ColumnProperties(statistics_enabled="CHUNK"),
    column_properties={
        name: ColumnProperties(dictionary_enabled=False, statistics_enabled="CHUNK")
        for name in _SCATTERED
    },
)


# The room that a file system must have left beyond what the commit itself takes.
RESERVE = 64_000_000  # bytes


class LakeFullError(PageTrackerError):
    """The lake's file system has no room for another commit."""


class LakeLogGoneError(LakeError):
    """A table's files are there, but its log is not."""


class Lake(msgspec.Struct, frozen=True):
    """Where the tables are: in a folder, or in a bucket that is read by copies.

    `grace` is how long files stay after a snapshot has stopped using them.
    """

    uri: str
    copies: Copies | None = None
    grace: timedelta = GRACE

    @property
    def folder(self) -> Path | None:
        """The folder, if the lake is one."""
        return None if self.copies else Path(self.uri)

    def require_room(self) -> None:
        """Raise LakeFullError if a folder's file system is nearly full."""
        if (folder := self.folder) and folder.exists():
            free = shutil.disk_usage(folder).free
            if free < RESERVE:
                raise LakeFullError(
                    f"the lake {folder} has {free // 1_000_000} MB left",
                    f"make room for at least {RESERVE // 1_000_000} MB",
                )

    def address(self, name: str) -> str:
        return f"{self.uri.rstrip('/')}/{name}"

    def snapshot(self, name: str) -> DeltaTable:
        """One of the TABLES as it is now; created if there is none.

        Raises LakeLogGoneError if there are files but no log, and DeltaError.
        """
        try:
            return DeltaTable(self.address(name), storage_options=self.options)
        except TableNotFoundError:
            return self._create(name)

    @contextmanager
    def using(self, name: str) -> Iterator[DeltaTable]:
        """A table as it is now, to read its files or commit to it, shared with others.

        No file is deleted meanwhile, except those whose grace is over.
        """
        with shared(self._folder_of(name)), noted(self, name) as table:
            yield table

    @contextmanager
    def alone(self, name: str) -> Iterator[DeltaTable]:
        """A table as it is now, that nobody else changes meanwhile.

        In a bucket writers go on adding to it; nobody else has it alone.
        """
        lock = self._lease(name, inf) if self.copies else alone(self._folder_of(name))
        with lock, noted(self, name) as table:
            yield table

    @contextmanager
    def alone_if_free(self, name: str) -> Iterator[DeltaTable | None]:
        """`alone`, or None if others write all the time."""
        free = self.turn_if_free if self.copies else self._alone_if_free
        with free(name) as is_alone:
            with noted(self, name) if is_alone else nullcontext() as table:
                yield table

    @contextmanager
    def turn_if_free(self, work: str) -> Iterator[bool]:
        """Have some work on a lake in a bucket to oneself; False if others are at it.

        In a folder all may be at it: True.
        """
        with ExitStack() as stack:
            try:
                if self.copies:
                    stack.enter_context(self._lease(work, PATIENCE))
                is_free = True
            except BlockingIOError:
                is_free = False
            yield is_free

    @contextmanager
    def turn(self, work: str) -> Iterator[None]:
        """Do some work one after the other, where that takes no long wait.

        It spares refused commits, and nothing rests on it.
        """
        free = self.turn_if_free if self.copies else self._alone_if_free
        with free(work):
            yield

    def _alone_if_free(self, work: str) -> AbstractContextManager[bool]:
        return alone_if_free(self._folder_of(work))

    def _lease(self, name: str, patience: float) -> AbstractContextManager[None]:
        assert self.copies  # nosec: only a bucket's machines need leases
        # pylint: disable-next=import-outside-toplevel # only they load it
        from page_tracker.lake.lease import held

        return held(self.copies.bucket, name, patience)

    def _folder_of(self, name: str) -> Path | None:
        return self.folder / name if self.folder else None

    def log(self, name: str) -> Log:
        """The files of a table's log."""
        if self.copies:
            return self.copies.bucket.within(f"{name}/{LOG}".lstrip("/"))
        return FolderLog(Path(self.uri) / name / LOG)

    def paths(self, table: DeltaTable, condition: str | None = None) -> list[str]:
        """Where the files of a snapshot are read that may have such rows: there now.

        Raises CacheFullError, or OSError, if they cannot be fetched from a bucket.
        """
        found = table.file_uris(file_pruning_predicate=condition)
        if self.copies:
            found = list(map(self.copies.path, found))
        self.fetch(found)
        return found

    def fetch_named(self, sql: str) -> None:
        """The same for the files that the SQL of a statement names."""
        if self.copies:
            self.copies.fetch(self.copies.named_in(sql))

    def fetch(self, paths: Sequence[str]) -> None:
        """Have files that are read at these paths there. Raises as `paths`."""
        if self.copies:
            self.copies.fetch(paths)

    def has(self, name: str) -> bool:
        """Whether the table is there; '' asks of the lake's own address."""
        return has_begun(self.log(name))

    def files_in_folder(self, name: str) -> list[Path]:
        """The data files in a table's folder, whether its log names them or not."""
        folder = self._folder_of(name)
        found = folder.glob("month=*/*.parquet") if folder else ()
        return sorted(path for path in found if path.is_file())

    def has_data(self, name: str) -> bool:
        """Whether a table has data files, whether its log names them or not."""
        if self.copies:
            files = self.copies.bucket.sizes(name)
            return any(file.startswith(f"{name}/month=") for file in files)
        return bool(self.files_in_folder(name))

    def create_at(self, address: str, name: str) -> None:
        """Create a table like `name` at an address that has none."""
        DeltaTable.create(
            address,
            delta_schema(TABLES[name]),
            partition_by=["month"],
            storage_options=self.options,
            configuration={
                **self.retention,
                # Upkeep makes the checkpoints.
                "delta.checkpointInterval": "1000000",
                "delta.dataSkippingStatsColumns": _PRUNED_BY[name],
            },
        )

    @property
    def retention(self) -> dict[str, str]:
        """How long a table keeps files and log, as Delta's table properties say it."""
        log_grace = max(LOG_GRACE, self.grace) if self.copies else self.grace
        return {
            "delta.deletedFileRetentionDuration": _interval(self.grace),
            "delta.logRetentionDuration": _interval(log_grace),
        }

    def _create(self, name: str) -> DeltaTable:
        if self.has(""):
            raise LakeError(
                f"{self.uri} is a table of a lake, and no lake",
                "name the folder that it is in",
            )
        if self.has_data(name) and not self.has(name):
            raise LakeLogGoneError(
                f"{self.address(name)} has files of data and no log ({LOG}) that says"
                " which of them count",
                "restore the log from a backup of the same time, or rebuild it from the"
                " files: page-tracker recover; until then nothing is written there and"
                " nothing deleted",
            )
        if folder := self.folder:
            (folder / name).mkdir(parents=True, exist_ok=True)
        try:
            self.create_at(self.address(name), name)
        except DeltaError:
            # Another process may have created it first; if not, opening it tells why.
            pass
        return DeltaTable(self.address(name), storage_options=self.options)

    @property
    def options(self) -> dict[str, str] | None:
        """What deltalake needs to reach the tables."""
        return self.copies.bucket.table_options if self.copies else None


def _interval(lasting: timedelta) -> str:
    return f"interval {int(lasting.total_seconds() * 1000)} milliseconds"


def quoted(text: str) -> str:
    """A string of SQL."""
    return "'" + text.replace("'", "''") + "'"


def position(snapshot: DeltaTable, application: str) -> int:
    """The number of the application's last transaction; 0 if it made none."""
    return snapshot.transaction_version(application) or 0


def marks(snapshot: DeltaTable, days: Iterable[int], now: float) -> list[Transaction]:
    """What a commit that touches days has to carry: the marks of closed ones.

    And of all that may be closed by now: if a commit and a closing coincide, one is
    refused.
    """
    version = snapshot.version() + 1
    return [
        Transaction(closed_mark(day), version)
        for day in days
        if is_over(day, now)
        or snapshot.transaction_version(closed_mark(day)) is not None
    ]


def append(
    snapshot: DeltaTable,
    columns: Sequence[Column],
    rows: Sequence[Row],
    application: str,
    number: int,
    *further: Transaction,
) -> None:
    """Add rows under the application's transaction `number`, all or none.

    The commit has the days that it touches (`days`, numbers since 1970-01-01), and
    moves the marks of the closed ones. Without rows, only the transaction is made.
    Raises ConflictError or DeltaError (nothing was added), OSError.
    """
    at = [column.name for column in columns].index("day")
    days = sorted({row[at] for row in rows})
    table = arrow_table(columns, rows)
    append_table(snapshot, table, days, application, number, *further)


def append_table(
    snapshot: DeltaTable,
    table: Table,
    days: Sequence[int],
    application: str,
    number: int,
    *further: Transaction,
    also: Mapping[str, Any] | None = None,
) -> None:
    """Add an Arrow table that touches `days`; see `append`.

    `also` are more metadata of the commit, which are gone with the table's log.
    """
    with shared(folder_of(snapshot)), conflicts():
        write_deltalake(
            snapshot,
            table,
            mode="append",
            writer_properties=PARQUET,
            commit_properties=touching(
                snapshot, days, Transaction(application, number), *further, also=also
            ),
        )
        persist(snapshot)


def touching(
    snapshot: DeltaTable,
    days: Sequence[int],
    *transactions: Transaction,
    also: Mapping[str, Any] | None = None,
) -> CommitProperties:
    """The metadata of every commit that changes rows of `days`."""
    return CommitProperties(
        custom_metadata={"days": list(days), **(also or {})},
        app_transactions=[*transactions, *marks(snapshot, days, time.time())],
    )


def persist(snapshot: DeltaTable, version: int | None = None) -> None:
    """Sync a commit in a folder, else the last, so that it survives a power loss."""
    folder = folder_of(snapshot)
    if folder is None:
        return
    number = snapshot.version() if version is None else version
    log = folder / LOG / commit_name(number)
    actions = map(json.loads, log.read_text("utf-8").splitlines())
    files = [folder / unquote(each["add"]["path"]) for each in actions if "add" in each]
    for path in [*files, *{path.parent for path in files}, log, log.parent]:
        sync(path)
