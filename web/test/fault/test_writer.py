"""The writer under fire: killed, starved, doubled; nothing lost, nothing twice.

Short by default, as long as the faults' table says with `--long`.
"""

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis, RedisError

from page_tracker.lake.table import Lake
from page_tracker.store import keys
from page_tracker.store.ingest import StoreAwayError, StreamFullError, submit
from page_tracker.store.stream import Stream
from support.disks import filled, small_disk
from support.hits import batch, hit
from support.lake import paths
from support.own_redis import OwnRedis, own_redis
from support.pace import PACE
from support.processes import (
    BIN,
    WAIT_SECONDS,
    clean_environment,
    heeds,
    wait_until,
)


class Load:
    """Sends batches all the time; knows exactly which hits were acknowledged."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self.acknowledged: list[str] = []

    def _send(self) -> None:
        for number in itertools.count():
            if self._stop.is_set():
                return
            sent = batch([hit(f"/{number}/{each}") for each in range(20)])
            while True:  # the same batch, until somebody knows
                try:
                    submit(self._redis, sent)
                    break
                except (StoreAwayError, StreamFullError):
                    if self._stop.wait(0.1):
                        # Perhaps stored, perhaps not: ask once more when it is back.
                        self._stop.clear()
            self.acknowledged += [each.record.path for each in sent.hits]
            time.sleep(0.005)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


class WriterProcess:
    """`page-tracker writer` as a process, told and killed by its id."""

    def __init__(self, data: Path, redis_url: str, lake: Path | None = None) -> None:
        self._environment = clean_environment(
            REDIS_URL=redis_url,
            PAGE_TRACKER_DATA=str(data),
            PAGE_TRACKER_LAKE=str(lake or data / "lake"),
        )
        self._output = data / f"writer-{id(self)}.output"
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        with self._output.open("ab") as output:
            return subprocess.Popen(
                [BIN / "page-tracker", "writer"],
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        return self._output.read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        self.kill()
        self.process = self._start()

    def stop(self) -> None:
        if self.process.poll() is None:
            wait_until(lambda: heeds(self.process.pid, signal.SIGTERM))
            self.process.terminate()
        assert self.process.wait(timeout=60 * PACE) == 0

    def used_in(self, seconds: float) -> float:
        """Seconds of the processor that it uses in so many from now."""
        before = self._processor()
        time.sleep(seconds)
        return self._processor() - before

    def _processor(self) -> float:
        """Seconds of the processor that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("utf-8").split()
        return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def times(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """How often: the short number, or with `--long` the long one."""
    is_long = bool(request.config.getoption("--long"))
    return lambda short, long: long if is_long else short


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def server(data: Path) -> Iterator[OwnRedis]:
    with own_redis(data) as server:
        yield server


@pytest.fixture
def lake(data: Path) -> Lake:
    return Lake(str(data / "lake"))


@contextmanager
def writing(data: Path, server: OwnRedis, **other: Path) -> Iterator[WriterProcess]:
    writer = WriterProcess(data, server.url, **other)
    try:
        yield writer
        writer.stop()
    finally:
        if writer.process.poll() is None:
            writer.kill()


def wait_until_drained(redis: Redis, seconds: float = 30 * PACE) -> None:
    """Until nothing waits; the writer trims what it has written a tick later."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if not Stream(redis).waiting():
                return
        except RedisError:
            pass
        assert time.monotonic() < deadline, "the stream is not drained"
        time.sleep(0.05)


def wait_for_commits(redis: Redis, number: int) -> None:
    """Until so many more have been made; none is while Redis is away."""
    commits = Stream(redis).record.commits
    wanted = commits().number + number
    wait_until(lambda: commits().number >= wanted)


def is_in(lake: Lake, path: str) -> bool:
    """Whether it comes to be there, which a writer that starts does not do at once."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if path in paths(lake):
            return True
        time.sleep(0.2)
    return False


def test_a_writer_that_is_killed_again_and_again_loses_and_doubles_nothing(
    data: Path, server: OwnRedis, lake: Lake, times: Callable[[int, int], int]
) -> None:
    with server.client() as redis, writing(data, server) as writer:
        with Load(redis) as load:
            for _ in range(times(5, 100)):
                # At a moment that is drawn: while it starts, or at any of its steps.
                time.sleep(random.uniform(0.7, 2.0))  # nosec B311 # draws test data
                writer.restart()
        wait_until_drained(redis)

        assert paths(lake) == sorted(load.acknowledged)


def test_two_writers_on_one_shard_write_nothing_twice(
    data: Path, server: OwnRedis, lake: Lake, times: Callable[[int, int], int]
) -> None:
    with ExitStack() as stack:
        redis = stack.enter_context(server.client())
        writers = [stack.enter_context(writing(data, server)) for _ in range(2)]
        with Load(redis) as load:
            for _ in range(times(2, 50)):
                wait_for_commits(redis, 3)
                random.choice(writers).restart()  # nosec B311 # draws test data
            wait_for_commits(redis, 3)
        wait_until_drained(redis)

        assert paths(lake) == sorted(load.acknowledged)


def test_redis_that_is_killed_and_comes_back_loses_nothing(
    data: Path, server: OwnRedis, lake: Lake, times: Callable[[int, int], int]
) -> None:
    with server.client() as redis, writing(data, server) as writer:
        with Load(redis) as load:
            for _ in range(times(2, 30)):
                wait_for_commits(redis, 2)
                server.kill()
                time.sleep(0.5)  # it is away for longer than between two tries
                server.start()
            wait_for_commits(redis, 1)
        assert is_in(lake, load.acknowledged[-1])
        wait_until_drained(redis)

        assert paths(lake) == sorted(load.acknowledged)
        assert writer.said().count("tried again every") <= times(2, 30)


def test_while_redis_is_away_the_writer_neither_spins_nor_talks(
    data: Path, server: OwnRedis, times: Callable[[int, int], int]
) -> None:
    with server.client() as redis, writing(data, server) as writer:
        submit(redis, batch([hit("/before")]))
        wait_until_drained(redis)  # it has started
        server.kill()
        wait_until(lambda: "tried again every" in writer.said())
        wait_until(lambda: writer.used_in(0.5) < 0.05)  # what it had begun is done
        seconds = times(4, 60)

        assert writer.used_in(seconds) < 0.25 * seconds
        # Its three tasks each say that the connection broke, and then was refused.
        said = writer.said().splitlines()
        assert len(said) == len(set(said)) <= 6, said
        server.start()


def test_a_stream_that_is_destroyed_or_a_store_that_is_emptied_is_survived(
    data: Path, server: OwnRedis, lake: Lake
) -> None:
    with server.client() as redis, writing(data, server):
        for step, harm in enumerate(
            (lambda: redis.delete(keys.stream(0)), redis.flushall)
        ):
            submit(redis, batch([hit(f"/{step}/before")]))
            assert is_in(lake, f"/{step}/before")
            harm()
            submit(redis, batch([hit(f"/{step}/after")]))
            assert is_in(lake, f"/{step}/after")

        assert len(paths(lake)) == 4


def test_a_full_lake_stops_nothing_but_the_writing_and_goes_on_by_itself(
    data: Path, server: OwnRedis, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", 80) as disk:
        lake = Lake(str(disk / "lake"))
        with server.client() as redis, writing(data, server, lake=disk / "lake") as w:
            submit(redis, batch([hit("/before")]))
            assert is_in(lake, "/before")
            with filled(disk):
                submit(redis, batch([hit("/meanwhile")]))
                wait_until(lambda: "MB left" in w.said())
                told = Stream(redis).record.last_report()
                assert told and "MB left" in told[1]
                assert paths(lake) == ["/before"]
                assert Stream(redis).waiting() == 1

            assert is_in(lake, "/meanwhile")
            assert w.said().count("MB left") == 1


SLOW = """
import sys, time
import page_tracker.writer.writer as writer
append = writer.append_table
def slowly(*arguments, **more):
    append(*arguments, **more)
    time.sleep({seconds})
writer.append_table = slowly
sys.argv = ["page-tracker", "writer"]
from page_tracker.cli import main
main()
"""


def test_a_slow_lake_costs_no_memory_and_its_lag_is_visible(
    data: Path, server: OwnRedis, lake: Lake, times: Callable[[int, int], int]
) -> None:
    seconds = times(3, 30)
    slow = [sys.executable, "-c", SLOW.format(seconds=seconds)]
    environment = clean_environment(REDIS_URL=server.url, PAGE_TRACKER_DATA=str(data))
    with server.client() as redis, subprocess.Popen(slow, env=environment) as process:
        status = Path(f"/proc/{process.pid}/status")
        with Load(redis) as load:
            wait_until(lambda: bool(paths(lake)))  # what it needs is loaded
            early = _resident(status)
            time.sleep(2 * seconds)  # in which memory could grow
            assert Stream(redis).waiting() > 0
            assert _resident(status) - early < 150_000_000
        process.send_signal(signal.SIGKILL)
        process.wait()
        with writing(data, server):
            wait_until_drained(redis)

    assert paths(lake) == sorted(load.acknowledged)


def _resident(status: Path) -> int:
    (line,) = [
        each for each in status.read_text("utf-8").splitlines() if "VmRSS" in each
    ]
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize("position", [1, 2, 3])
def test_an_entry_that_cannot_be_read_is_set_aside_and_can_be_replayed(
    data: Path, server: OwnRedis, lake: Lake, position: int
) -> None:
    with server.client() as redis:
        for number in (1, 2, 3):
            submit(redis, batch([hit(f"/{number}")]))
        entries: Any = redis.xrange(keys.stream(0))
        redis.delete(keys.stream(0))
        whole = entries[position - 1][1][b"records"]
        entries[position - 1][1][b"records"] = b"\xc1 rubbish"
        for id_, fields in entries:
            redis.xadd(keys.stream(0), fields, id=id_)
        with writing(data, server) as writer:
            for number in {1, 2, 3} - {position}:
                assert is_in(lake, f"/{number}")
            wait_until_drained(redis)
            assert (
                f"set entry {position} of shard 0 aside after 5 tries" in writer.said()
            )
            (aside,) = Stream(redis).aside()
            # As if this version could read it now.
            kept: Any = redis.xrange(keys.aside(0))
            redis.delete(keys.aside(0))
            mended = {**kept[0][1], b"records": whole}
            redis.xadd(keys.aside(0), mended, id=aside.id)
            for _ in range(2):
                Stream(redis).replay(aside.id)
            assert is_in(lake, f"/{position}")
            wait_until_drained(redis)

        assert paths(lake) == ["/1", "/2", "/3"]
