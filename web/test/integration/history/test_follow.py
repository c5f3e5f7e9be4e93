"""Following a live log: each line once, through rotation, truncation and kills."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace
from redis import ConnectionError as RedisConnectionError
from redis import Redis

from page_tracker.errors import ImportsBusyError, LogFileError
from page_tracker.history.follow import Counted, LogFollower, Store
from page_tracker.history.wanted import Wanted
from page_tracker.hits.facts import Lookups
from page_tracker.lookups.load import (
    load,
)
from page_tracker.processes.embedded import redis_of
from page_tracker.settings import Settings
from page_tracker.sites.site import Site
from page_tracker.store.counters import Live
from page_tracker.store.ingest import Batch, Bounds, Outcome, StoreAwayError, submit
from page_tracker.store.shards import Division
from support.importing import AGENT, line
from support.pace import PACE
from support.processes import clean_environment, wait_until


@pytest.fixture(scope="module")
def lookups() -> Lookups:
    return load()


class Followed:
    """A log, and what the store has counted of it."""

    def __init__(self, folder: Path, redis: Redis, lookups: Lookups) -> None:
        self.folder = folder
        self.log = folder / "access.log"
        self.log.touch()
        self.site = Site(id=f"{secrets.token_hex(4)}.example")
        self.live = Live(redis)
        self.submit: Callable[[Batch], list[Outcome]] = partial(submit, redis)
        self.said: list[str] = []
        self.wanted = Wanted()
        self._lookups = lookups
        self._written = 0

    def write(self, number: int, log: Path | None = None) -> None:
        """Append so many page views, each of a page of its own."""
        now = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
        with open(log or self.log, "a", encoding="utf-8") as file:
            for _ in range(number):
                self._written += 1
                file.write(
                    f'192.0.2.1 - - [{now}] "GET /{self._written} HTTP/1.1" 200 1 "-"'
                    f' "{AGENT}"\n'
                )

    def follower(self) -> LogFollower:
        store = Store(
            self.submit, lambda *_: b"x" * 16, lambda: self.site, Division, Bounds()
        )
        return LogFollower(
            self.folder / "state",
            self.log,
            self.wanted,
            store,
            self._lookups,
            self.said.append,
        )

    def append(self, *lines: str) -> None:
        """Append lines as they are."""
        with open(self.log, "a", encoding="utf-8") as file:
            file.writelines(lines)

    def counts(self, number: int) -> bool:
        return self.live.total(self.site.id) == number

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Follow the log meanwhile; stopped in the end."""
        stop, follower = threading.Event(), self.follower()
        ended: list[Counted] = []
        thread = threading.Thread(target=lambda: ended.append(follower.run(stop)))
        thread.start()
        state = self.folder / "state"
        wait_until(lambda: any(state.glob("follow-*.state")))
        try:
            yield
        finally:
            stop.set()
            thread.join()
        assert ended

    def is_counted_once(self) -> bool:
        pages = self.live.pages(self.site.id)
        return pages == {f"/{number}": 1 for number in range(1, self._written + 1)}


@pytest.fixture
def log(tmp_path: Path, redis_client: Redis, lookups: Lookups) -> Followed:
    return Followed(tmp_path, redis_client, lookups)


def test_lines_count_as_they_come_and_none_of_those_before(log: Followed) -> None:
    with open(log.log, "a", encoding="utf-8") as file:
        file.write("what was there before\n")
    with log.followed():
        log.write(1_200)
        wait_until(log.is_counted_once)


def test_a_log_is_followed_by_one_process_at_a_time(log: Followed) -> None:
    with log.followed():
        with pytest.raises(ImportsBusyError, match="another process follows"):
            log.follower().run(threading.Event())
        log.write(3)
        wait_until(log.is_counted_once)
    with log.followed():
        log.write(3)
        wait_until(log.is_counted_once)


def test_a_damaged_note_of_how_far_it_is_followed_is_set_aside_and_told(
    log: Followed,
) -> None:
    with log.followed():
        log.write(3)
        wait_until(log.is_counted_once)
    (state,) = (log.folder / "state").glob("follow-*.state")
    state.write_bytes(bytes(90))

    with log.followed():
        wait_until(lambda: state.exists() and bool(log.said))
        log.write(3)
        wait_until(log.is_counted_once)

    assert f"{state} is damaged" in log.said[0] and "is set aside as" in log.said[0]
    assert state.with_suffix(".damaged").read_bytes() == bytes(90)


def test_a_line_waits_for_its_end(log: Followed) -> None:
    log.write(2)
    first, second = log.log.read_text("utf-8").splitlines(keepends=True)
    log.log.write_text("")
    with log.followed():
        with open(log.log, "a", encoding="utf-8") as file:
            file.write(first + second[:50])
            file.flush()
            wait_until(lambda: log.live.total(log.site.id) == 1)
            file.write(second[50:])
            file.flush()
            wait_until(log.is_counted_once)


def test_a_log_is_followed_over_its_rotation(log: Followed) -> None:
    with log.followed():
        log.write(3)
        wait_until(log.is_counted_once)
        log.log.rename(rotated := log.folder / "access.log.1")
        log.write(2, rotated)  # the server has not been told yet
        log.write(3)
        wait_until(log.is_counted_once)


def test_a_log_is_followed_over_its_truncation(log: Followed) -> None:
    with log.followed():
        log.write(3)
        wait_until(log.is_counted_once)
        shutil.copy(log.log, log.folder / "access.log.1")
        log.log.write_text("")
        log.write(9)
        wait_until(log.is_counted_once)


def test_rotations_while_nobody_follows_lose_nothing(log: Followed) -> None:
    with log.followed():
        log.write(30)
        wait_until(log.is_counted_once)
    log.write(3)
    log.log.rename(log.folder / "access.log.2")
    time.sleep(0.02)  # which is the older, their times tell
    log.write(3)
    log.log.rename(log.folder / "access.log.1")
    time.sleep(0.02)
    log.write(3)
    with log.followed():
        wait_until(log.is_counted_once)


def test_nuls_of_a_log_that_was_emptied_under_its_server_are_passed_over(
    log: Followed,
) -> None:
    with log.followed():
        log.write(3)
        wait_until(log.is_counted_once)
        log.log.write_text("")
        with open(log.log, "ab") as file:
            file.truncate(9_000_000)
        log.write(9)
        wait_until(log.is_counted_once)


def test_following_ends_in_words_where_the_site_is_removed(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.touch()
    program = (sys.executable, "-m", "page_tracker")
    environment = clean_environment(PAGE_TRACKER_DATA=str(tmp_path / "data"))
    call = partial(subprocess.run, env=environment, check=True)
    with redis_of(Settings(data=tmp_path / "data")):
        call((*program, "site", "add", "example.com"))
        with subprocess.Popen(
            (*program, "import", "example.com", str(log), "--follow"),
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        ) as following:
            wait_until(
                lambda: any((tmp_path / "data" / "imports").glob("follow-*.state"))
            )
            call((*program, "site", "remove", "example.com", "--yes"))
            log.write_text(line())
            _, said = following.communicate(timeout=60 * PACE)

    assert following.returncode == 1
    assert said.splitlines()[1:] == [
        "page-tracker: the site example.com was removed; add it again to follow its log"
    ]


def test_a_log_that_changes_its_format_is_followed_on(log: Followed) -> None:
    with log.followed():
        log.write(3)
        wait_until(lambda: log.counts(3))
        log.append(f"{log.site.id} {line()}", line().partition(' "-"')[0] + "\n")
        wait_until(lambda: log.counts(5))


def test_following_ends_at_many_strangers_and_goes_on_with_them(log: Followed) -> None:
    log.append(*[line()] * 20)
    log.follower().run(_stopped())
    log.append(line(), *[f"stranger {number}\n" for number in range(5)])
    for _ in range(2):
        with pytest.raises(LogFileError, match="5 of 6 lines .* 'stranger 0'"):
            log.follower().run(threading.Event())
    assert log.counts(0)

    log.wanted = Wanted(skip_malformed=True)
    with log.followed():
        wait_until(lambda: log.counts(1))
    assert sum("malformed, left out: stranger" in each for each in log.said) == 5


def _stopped() -> threading.Event:
    stop = threading.Event()
    stop.set()
    return stop


def test_a_few_strangers_are_left_out(log: Followed) -> None:
    with log.followed():
        log.append("stranger\n", *[line()] * 30)
        wait_until(lambda: log.counts(30))


def test_a_log_of_a_proxy_is_followed_when_it_is_said_whose_address_is_meant(
    log: Followed,
) -> None:
    log.append(*[line(address="10.0.0.1")[:-1] + ' "203.0.113.9"\n'] * 20)
    with pytest.raises(LogFileError, match="--address forwarded"):
        log.follower().run(threading.Event())

    log.wanted = Wanted(whose="forwarded")
    log.site = replace(log.site, own_addresses=("203.0.113.9",))
    with log.followed():
        for last in ("9", "8"):
            forwarded = f' "203.0.113.{last}, 10.0.0.2"\n'
            log.append(line(address="10.0.0.1")[:-1] + forwarded)
        wait_until(lambda: log.counts(1))


def test_a_log_without_agents_is_followed_as_one_until_it_tells_one(
    log: Followed,
) -> None:
    without = line().replace(AGENT, "-")
    with log.followed():
        log.append(without, without)
        wait_until(lambda: log.counts(2))
        log.append(line())
        wait_until(lambda: log.counts(3))
        log.append(without, line())
        wait_until(lambda: log.counts(4))
    with log.followed():
        log.append(without, line())
        wait_until(lambda: log.counts(5))


def test_what_the_site_no_longer_keeps_is_not_counted(log: Followed) -> None:
    log.site = replace(log.site, retention_days=30)
    with log.followed():
        log.append(line())
        log.write(1)
        wait_until(log.is_counted_once)


def test_a_batch_whose_answer_was_lost_counts_once(log: Followed) -> None:
    store = log.submit

    def killed_after_storing(batch: Batch) -> list[Outcome]:
        store(batch)
        raise StoreAwayError(RedisConnectionError("gone"))

    log.submit = killed_after_storing
    with log.followed():
        log.write(5)
        wait_until(lambda: bool(log.said))
    log.submit = store
    log.write(5)
    with log.followed():
        wait_until(log.is_counted_once)


def test_a_store_that_is_away_is_waited_for(log: Followed) -> None:
    store, tries = log.submit, iter(range(3))

    def away_three_times(batch: Batch) -> list[Outcome]:
        if next(tries, None) is not None:
            raise StoreAwayError(RedisConnectionError("away"))
        return store(batch)

    log.submit = away_three_times
    with log.followed():
        log.write(5)
        wait_until(log.is_counted_once)
    assert len(log.said) == 1 and "waiting" in log.said[0]
