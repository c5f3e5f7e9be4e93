"""Blocks of a log's bytes into files of page views, several at a time.

    block → text → lines → Sieve → Parquet file in the spool

A file has no personal data: of address and user agent only the keyed hash is left.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import (
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.util import Finalize
from pathlib import Path
from typing import NamedTuple

from page_tracker.files import sync
from page_tracker.history.blocks import SPOOLED, Block, Sieve
from page_tracker.history.dialect import Dialect
from page_tracker.history.formats import FORMATS
from page_tracker.history.lines import text_of
from page_tracker.history.plain_sieve import PlainSieve
from page_tracker.lake.columns import arrow_table
from page_tracker.lake.duckdb_connection import connect, keep_no_freed_memory
from page_tracker.lookups.load import load
from page_tracker.processes.freed_memory import give_freed_memory_back
from page_tracker.processes.garbage_collection import collect_garbage_seldom
from page_tracker.sites.site import Site

_DAY = [column.name for column in SPOOLED].index("day")
_PRELOADED = [__name__, "duckdb", "page_tracker.lookups.packaged"]
# A block of fewer bytes is sifted sooner than a process is started.
_SHORT = 2 << 20


class Task(NamedTuple):
    """What every block of an import is sifted with."""

    site: Site
    # For the hashes that distinguish visitors; it is only in memory.
    key: bytes
    lookups: Path
    # None if nothing is to be written.
    spool: Path | None
    # The first day, since 1970, that the site keeps.
    first_day: int = 0


class Sifted(NamedTuple):
    """The result of a block; `file` is the number of its file, if it has one."""

    block: Block
    days: Counter[int]
    file: int | None

    @property
    def lines(self) -> int:
        return self.days.total() + self.block.left_out.total()


class Sifter:
    """Sifts blocks in this process."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._lookups = load(task.lookups)
        self._sieves: dict[Dialect, Sieve | PlainSieve] = {}
        self._engine = connect("64MB", threads=1)
        keep_no_freed_memory(self._engine)

    def sift(self, block: bytes, position: int, dialect: Dialect) -> Sifted:
        """Sift a block, whose first line is at `position` in the import."""
        sieve = self._sieves.get(dialect)
        if sieve is None:
            sieve = self._sieves[dialect] = self._sieve_for(dialect)
        found = sieve.sift(text_of(block), position)
        days = Counter(row[_DAY] for row in found.rows)
        file = None
        if days and self._task.spool is not None:
            file = position
            path = file_of(self._task.spool, file)
            rows = self._engine.from_arrow(arrow_table(SPOOLED, found.rows))
            rows.to_parquet(str(path), compression="zstd")
            sync(path)
        # The rows are on disk, and are not passed between processes.
        return Sifted(found._replace(rows=[]), days, file)

    def _sieve_for(self, dialect: Dialect) -> Sieve | PlainSieve:
        task, client_in = self._task, FORMATS[dialect.format].client_in
        sieve = Sieve.of(task.site, dialect, self._lookups, task.key, task.first_day)
        return PlainSieve(sieve, client_in) if client_in else sieve

    def close(self) -> None:
        self._engine.close()


def file_of(spool: Path, number: int) -> Path:
    return spool / f"{number}.parquet"


class Crew:
    """Sifts blocks beside whoever reads them.

    A thread sifts those of which each part is looked up once, and a short first block:
    so there is one copy of the lookups. What is read line by line takes several times
    as long, and is sifted by processes.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._sifter: Sifter | None = None
        self._thread = ThreadPoolExecutor(1)
        self._processes: Executor | None = None

    def sift(self, block: bytes, position: int, dialect: Dialect) -> Future[Sifted]:
        is_short = self._processes is None and len(block) < _SHORT
        if is_short or FORMATS[dialect.format].client_in:
            return self._thread.submit(self._sift, block, position, dialect)
        if self._processes is None:
            self._processes = self._open_processes()
        with _interrupts_blocked():
            return self._processes.submit(_sift, block, position, dialect)

    def _sift(self, block: bytes, position: int, dialect: Dialect) -> Sifted:
        if self._sifter is None:
            self._sifter = Sifter(self._task)
        return self._sifter.sift(block, position, dialect)

    def _open_processes(self) -> Executor:
        # Threads of engine and lake may run here: a fork could inherit their locks.
        # So the workers are forked by a process that has loaded this module, DuckDB and
        # the packaged lookups, and nothing else.
        context = get_context("forkserver")
        context.set_forkserver_preload(_PRELOADED)
        return ProcessPoolExecutor(
            max_workers=max(2, min(4, os.cpu_count() or 2)),
            mp_context=context,
            initializer=_begin_worker,
            initargs=(self._task,),
        )

    def close(self) -> None:
        for pool in (self._thread, self._processes):
            if pool is not None:
                pool.shutdown(cancel_futures=True)
        if self._sifter is not None:
            self._sifter.close()
        self._sifter = None  # and all that it remembers
        give_freed_memory_back()


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Ctrl-C is for the parent to handle: processes that begin here never see it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_worker: list[Sifter] = []


def _begin_worker(task: Task) -> None:
    # A worker never outlives its parent.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _worker.append(Sifter(task))
    collect_garbage_seldom()
    # The engine has to be closed before the interpreter ends.
    Finalize(None, _end_worker, exitpriority=1)


def _end_worker() -> None:
    while _worker:
        _worker.pop().close()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _sift(block: bytes, position: int, dialect: Dialect) -> Sifted:
    return _worker[0].sift(block, position, dialect)
