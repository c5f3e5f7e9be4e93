"""How store, writers and machine are at a moment, as Prometheus's families of metrics.

Names follow https://prometheus.io/docs/practices/naming/.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from math import inf
from pathlib import Path
from typing import Any

from prometheus_client import Metric
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    SummaryMetricFamily,
)
from redis import Redis

from page_tracker.collect.spool_file import SpoolState
from page_tracker.store.clients import Server, primaries
from page_tracker.store.pass_record import PassesDone
from page_tracker.store.stream import Stream
from page_tracker.writer.health import problems

_PAGE = os.sysconf("SC_PAGE_SIZE")


def of_redis(redis: Redis) -> Iterator[Metric]:
    """Of a cluster, its fullest server and the clock that is most wrong.

    Raises RedisError.
    """
    servers = primaries(redis)
    memory = max(map(_memory_of, servers), key=lambda each: each[0] / (each[1] or inf))
    skew = max((each.skew() for each in servers), key=abs)
    yield _gauge("redis_memory_bytes", "Memory that Redis uses.", memory[0])
    yield _gauge(
        "redis_memory_limit_bytes",
        "Memory that Redis may use; 0 if there is no limit.",
        memory[1],
    )
    yield _gauge(
        "redis_clock_skew_seconds", "How far Redis's clock is ahead of ours.", skew
    )


def _memory_of(server: Server) -> tuple[int, int]:
    """Bytes in use, and their limit; 0 is none."""
    known: Any = server.client
    memory = known.info("memory")
    return int(memory["used_memory"]), int(memory.get("maxmemory", 0))


def of_streams(streams: Sequence[Stream], most_rows: int) -> Iterator[Metric]:
    """Raises RedisError."""
    rows = _by_shard("stream_rows", "Hits and drops that wait for the lake.")
    oldest = _by_shard(
        "stream_oldest_seconds", "For how long the oldest of these hits has waited."
    )
    aside = _by_shard(
        "aside_batches", "Batches set aside because nobody can read them."
    )
    writer = _by_shard("writer_up", "1 if a writer is at work and nothing stops it.")
    stored = CounterMetricFamily(
        _named("lake_rows"),
        "Hits and drops that have left the stream for the lake.",
        labels=["shard"],
    )
    commits = SummaryMetricFamily(
        _named("commit_seconds"),
        "How long commits to the lake took, in seconds.",
        labels=["shard"],
    )
    refused = CounterMetricFamily(
        _named("commits_refused"),
        "Commits refused as another writer or upkeep had changed the lake meanwhile.",
        labels=["shard"],
    )
    now = time.time()
    for stream in streams:
        shard = [str(stream.shard)]
        since = stream.waiting_since()
        rows.add_metric(shard, stream.waiting())
        oldest.add_metric(shard, max(0, now - since / 1e6) if since else 0)
        aside.add_metric(shard, stream.count_aside())
        writer.add_metric(shard, not problems([stream], now))
        stored.add_metric(shard, stream.drained())
        done = stream.record.commits()
        commits.add_metric(shard, done.number, done.seconds)
        refused.add_metric(shard, done.refused)
    yield from (rows, oldest, aside, writer, stored, commits, refused)
    yield _gauge(
        "stream_limit_rows", "How many rows may wait in each stream.", most_rows
    )


def of_upkeep(done: PassesDone) -> Iterator[Metric]:
    yield from _of_passes("upkeep", "upkeep", done)


def of_fill(done: PassesDone, rows: int) -> Iterator[Metric]:
    yield from _of_passes("fill", "`fill-reports --until-stopped`", done)
    yield _gauge(
        "fill_lake_rows",
        "Of the rows of `page_tracker_lake_rows_total`, those that ClickHouse's own"
        " tables have.",
        rows,
    )


def _of_passes(name: str, of: str, done: PassesDone) -> Iterator[Metric]:
    passes = SummaryMetricFamily(
        _named(f"{name}_seconds"), f"How long passes of {of} took, in seconds."
    )
    passes.add_metric([], done.passes, done.seconds)
    yield passes
    yield CounterMetricFamily(
        _named(f"{name}_failures"), f"Passes of {of} that failed.", done.failures
    )
    yield _gauge(
        f"{name}_last_success_timestamp_seconds",
        f"When a pass of {of} last succeeded; 0 if none has.",
        done.succeeded,
    )


def of_disks(folders: Mapping[str, Path]) -> Iterator[Metric]:
    """The disks that folders are on; one that is away is left out."""
    free = GaugeMetricFamily(
        _named("disk_free_bytes"), "Room on a folder's disk.", labels=["folder"]
    )
    size = GaugeMetricFamily(
        _named("disk_size_bytes"), "Size of a folder's disk.", labels=["folder"]
    )
    for name, folder in folders.items():
        with suppress(OSError):
            # The lake is created with the first hit.
            disk = shutil.disk_usage(folder if folder.exists() else folder.parent)
            free.add_metric([name], disk.free)
            size.add_metric([name], disk.total)
    yield from (free, size)


def of_spool(state: SpoolState) -> Iterator[Metric]:
    yield _gauge(
        "spool_bytes", "Hits on disk that wait for Redis, in bytes.", state.waiting
    )
    yield _gauge(
        "spool_aside_files",
        "Files of the spool with hits that are not stored.",
        len(state.others),
    )


def of_processes() -> Iterator[Metric]:
    """This process and its siblings; none where the system has no /proc."""
    sizes = list(_resident_sizes(os.getppid()))
    yield _gauge("web_processes", "Web processes that run.", len(sizes))
    yield _gauge(
        "web_memory_bytes",
        "Resident memory of all web processes; what they share counts for each.",
        sum(sizes),
    )


def of_clock() -> Metric:
    return _gauge(
        "time_seconds", "This machine's clock, in seconds since 1970.", time.time()
    )


def of_build() -> Metric:
    return InfoMetricFamily(
        _named("build"), "The version that runs.", {"version": version("page-tracker")}
    )


def is_up(name: str, says: str, up: bool) -> Metric:
    return _gauge(f"{name}_up", says, up)


def _resident_sizes(parent: int) -> Iterator[int]:
    """Bytes of memory of each child of a process: proc(5), `statm`."""
    children: list[str] = []
    with suppress(OSError):
        tasks = Path(f"/proc/{parent}/task/{parent}/children")
        children = tasks.read_text("ascii").split()
    for child in children:
        with suppress(OSError):  # it has just ended
            yield int(
                Path(f"/proc/{child}/statm").read_text("ascii").split()[1]
            ) * _PAGE


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(_named(name), says, value)


def _by_shard(name: str, says: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(_named(name), says, labels=["shard"])


def _named(name: str) -> str:
    return f"page_tracker_{name}"
