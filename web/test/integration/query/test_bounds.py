"""A question is bounded in time and memory, and no other work waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from page_tracker.lake.table import Lake
from page_tracker.query.concurrency import AT_ONCE
from page_tracker.query.engine import Engine
from page_tracker.query.lake_asking import LakeAsking
from page_tracker.query.lake_state import LakeState
from page_tracker.query.problem import (
    BusyError,
    LakeAwayError,
    NobodyWaitsError,
    QuestionTooCostlyError,
)
from page_tracker.query.snapshot import Reading
from page_tracker.query.sql import Statement
from page_tracker.query.time_budget import TimeBudget
from page_tracker.sites.site import Site
from support.asked import put, view
from support.pace import PACE
from support.processes import WAIT_SECONDS

# Minutes of work for any machine.
COSTLY = Statement(
    "SELECT count(*) FROM range(1000000) a, range(10000000) b"
    " WHERE (a.range * b.range) % 7 = $v",
    {"v": 3},
)
# A tenth of a second of work, or more.
TENTH = Statement("SELECT count(DISTINCT range * $v) FROM range(1000000)", {"v": 7})
LARGE = Statement("SELECT count(DISTINCT range * $v) FROM range(40000000)", {"v": 7})
SMALL = Statement("SELECT $v + 1", {"v": 1})


def is_well(engine: Engine) -> bool:
    """Whether it answers a small question, whose time is no matter."""
    budget = TimeBudget(seconds=WAIT_SECONDS, patience=WAIT_SECONDS)
    return engine.rows(SMALL, budget) == [(2,)]


def test_a_question_is_stopped_at_its_limit_of_time() -> None:
    engine = Engine(seconds=0.3)
    began = time.monotonic()

    with pytest.raises(QuestionTooCostlyError, match="PAGE_TRACKER_QUERY_SECONDS"):
        engine.rows(COSTLY)

    assert time.monotonic() - began < 10
    assert is_well(engine)


def test_a_question_is_stopped_though_its_time_ends_between_two_statements() -> None:
    engine = Engine(seconds=0.1)

    with pytest.raises(QuestionTooCostlyError), engine.session() as session:
        time.sleep(0.3)  # nothing runs that could be stopped
        session.rows(COSTLY)


def test_small_questions_are_answered_while_large_ones_wait_for_each_other() -> None:
    engine = Engine(seconds=WAIT_SECONDS)
    is_over = threading.Event()

    def ask_much() -> None:
        with engine.session() as session, session.large():
            is_over.wait()

    many = [threading.Thread(target=ask_much) for _ in range(AT_ONCE + 2)]
    for each in many:
        each.start()
    try:
        assert engine.rows(SMALL) == [(2,)]
    finally:
        is_over.set()
        for each in many:
            each.join()


def test_a_question_that_waited_for_others_has_all_of_its_time() -> None:
    engine = Engine()
    waits = threading.Event()
    found: list[object] = []

    def ask_much() -> None:
        budget = TimeBudget(seconds=PACE, patience=WAIT_SECONDS)
        with engine.session(budget) as session:
            waits.set()
            with session.large():
                found.extend(session.rows(SMALL))

    with engine.session() as session, session.large():
        waiting = threading.Thread(target=ask_much)
        waiting.start()
        waits.wait()
        time.sleep(1.2 * PACE)  # longer than it may work
    waiting.join()
    assert found == [(2,)]


def test_a_list_is_bounded_as_a_whole_however_often_it_does_large_work() -> None:
    engine = Engine(seconds=0.5)
    began = time.monotonic()

    with pytest.raises(QuestionTooCostlyError), engine.session() as session:
        while time.monotonic() - began < 60:
            with session.large():
                session.rows(TENTH)

    assert time.monotonic() - began < 30


def test_what_is_asked_one_after_the_other_shares_an_allowance() -> None:
    """As the first days of the sites of a list, and its second try."""
    engine = Engine(seconds=0.3)
    budget = engine.budget()
    with pytest.raises(QuestionTooCostlyError):
        engine.rows(COSTLY, budget)

    with pytest.raises(QuestionTooCostlyError):
        engine.rows(SMALL, budget)
    assert is_well(engine)


def test_a_list_waits_for_others_only_so_long_in_all() -> None:
    engine = Engine(seconds=WAIT_SECONDS)
    budget = replace(engine.budget(), patience=0.3)
    with engine.session() as other, other.large():
        for _ in range(2):
            with pytest.raises(BusyError), engine.session(budget) as session:
                with session.large():
                    raise AssertionError("two do large work")

    assert budget.patience <= 0 < budget.seconds


def test_a_question_that_nobody_waits_for_is_stopped() -> None:
    engine = Engine(seconds=60)
    gone = threading.Event()
    threading.Timer(0.2, gone.set).start()

    with pytest.raises(NobodyWaitsError):
        engine.rows(COSTLY, engine.budget(lambda: not gone.is_set()))

    assert engine.rows(SMALL) == [(2,)]


def test_a_question_is_stopped_at_its_limit_of_memory() -> None:
    engine = Engine(memory=64_000_000)

    with pytest.raises(QuestionTooCostlyError, match="PAGE_TRACKER_QUERY_MEMORY"):
        engine.rows(LARGE)

    assert engine.rows(SMALL) == [(2,)]


def test_other_threads_go_on_while_a_question_is_answered() -> None:
    engine = Engine(seconds=WAIT_SECONDS)
    begun, enough = threading.Event(), threading.Event()

    def ask() -> None:
        budget = engine.budget(lambda: not enough.is_set())
        with pytest.raises(NobodyWaitsError), engine.session(budget) as session:
            begun.set()
            session.rows(COSTLY)

    asking = threading.Thread(target=ask)
    asking.start()
    begun.wait()
    try:
        for _ in range(20):
            time.sleep(0.001)  # the others have their turn
            assert is_well(engine)
        assert asking.is_alive()
    finally:
        enough.set()
        asking.join()


class Stale(Reading):
    """Knows an old state of the lake until it is told to look anew."""

    def __init__(self, lake: Lake) -> None:
        super().__init__(lake)
        self.old: LakeState | None = super().sources()

    def sources(self, days: Iterable[date] = ()) -> LakeState:
        return self.old or super().sources(days)

    def renew(self) -> None:
        self.old = None
        super().renew()


@pytest.mark.parametrize("days", [["2026-03-01", "2026-03-03"], "all"])
def test_files_that_were_cleaned_up_are_found_anew(
    tmp_path: Path, days: object
) -> None:
    lake = Lake(str(tmp_path))
    put(lake, [view(1)], 1)
    asking = LakeAsking(Stale(lake), Engine())
    body = {
        "site_id": "a.org",
        "metrics": ["visitors"],
        "date_range": days,
    }
    files = lake.snapshot("hits").file_uris()
    put(lake, [view(2)], 2)
    lake.snapshot("hits").optimize.compact()
    for path in files:
        Path(path).unlink()

    query = asking.understand(body, Site(id="a.org"), time.time())
    assert asking.report(query).rows[0].metrics == (2,)


@pytest.mark.parametrize("days", [["2026-03-01", "2026-03-03"], "all"])
def test_a_file_that_is_damaged_within_is_told_of(tmp_path: Path, days: object) -> None:
    lake = Lake(str(tmp_path))
    put(lake, [view(1)], 1)
    for path in map(Path, lake.snapshot("hits").file_uris()):
        content = path.read_bytes()
        path.write_bytes(content[:4] + b"\x5a" * 1000 + content[1004:])
    asking = LakeAsking(Reading(lake), Engine())
    body = {"site_id": "a.org", "metrics": ["visitors"], "date_range": days}

    with pytest.raises(LakeAwayError, match="files of the lake cannot be read"):
        asking.report(asking.understand(body, Site(id="a.org"), time.time()))
