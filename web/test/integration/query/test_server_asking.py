"""Questions over a socket to the process that answers, here a thread, over a lake."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import pytest

from page_tracker.lake.table import Lake
from page_tracker.processes import answers
from page_tracker.query import server_asking
from page_tracker.query.answering import answer_all
from page_tracker.query.ask import Asking
from page_tracker.query.concurrency import AT_ONCE
from page_tracker.query.engine import Engine
from page_tracker.query.lake_asking import LakeAsking
from page_tracker.query.plan import Days
from page_tracker.query.problem import (
    AnswererGoneError,
    BusyError,
    NobodyWaitsError,
    QuestionTooCostlyError,
)
from page_tracker.query.query import Query
from page_tracker.query.server_asking import ServerAsking
from page_tracker.query.snapshot import Reading
from page_tracker.query.sql import Statement
from page_tracker.query.time_budget import TimeBudget
from page_tracker.settings import Settings
from page_tracker.sites.goal import Goal
from page_tracker.sites.site import Site
from support.answering import PATIENCE, answering, dying
from support.asked import put, view

NOW = 1_772_500_000.0  # 2026-03-03
SITE = Site(id="a.org", timezone="Europe/Berlin", goals=(Goal(name="Docs", page="/d"),))
DAYS = Days(date(2026, 3, 1), date(2026, 3, 3))
# Minutes of work for any machine.
COSTLY = Statement("SELECT count(*) FROM range(1000000) a, range(10000000) b", {})


class Slow(LakeAsking):
    """One that takes minutes for a site's days; tells when it begins and ends."""

    def __init__(self, lake: Lake) -> None:
        super().__init__(Reading(lake), Engine(threads=1, seconds=600))
        self.began: SimpleQueue[str] = SimpleQueue()
        self.ended: SimpleQueue[str] = SimpleQueue()

    def days(self, site: str, budget: TimeBudget | None = None) -> Days | None:
        with self.database.session(budget) as session:
            self.began.put(site)
            try:
                session.rows(COSTLY)
            finally:
                self.ended.put(site)
        return super().days(site, budget)


@pytest.fixture(name="lake", scope="module")
def lake_of_a_site(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(str(tmp_path_factory.mktemp("answers") / "lake"))
    put(lake, [view(1), view(2, "/d"), view(3) | {"props": {"a": "b"}}], 1)
    return lake


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with answers.listening(Settings(data=tmp_path)) as found:
        yield found


def nobody() -> Asking:
    raise AssertionError("none of these processes is to answer itself")


def asker(listener: socket.socket, here: Callable[[], Asking] = nobody) -> ServerAsking:
    return ServerAsking(listener.getsockname(), 30, here)


@contextmanager
def asked_by_others(asking: ServerAsking, slow: Slow, number: int) -> Iterator[None]:
    """So many others ask what takes minutes, until the block ends."""
    gone = threading.Event()
    budget = partial(asking.budget, lambda: not gone.is_set())

    def ask() -> None:
        with pytest.raises(NobodyWaitsError, match="nobody waits"):
            asking.days("a.org", budget())

    threads = [threading.Thread(target=ask) for _ in range(number)]
    for each in threads:
        each.start()
    try:
        for _ in threads:
            slow.began.get(timeout=PATIENCE)
        yield
    finally:
        gone.set()
        for each in threads:
            each.join(PATIENCE)


def question(asking: Asking, *dimensions: str, **changes: object) -> Query:
    body = {
        "site_id": "a.org",
        "metrics": ["visitors"],
        "date_range": ["2026-03-01", "2026-03-03"],
        "dimensions": list(dimensions),
        **changes,
    }
    return asking.understand(body, SITE, NOW)


def told(asking: Asking) -> list[object]:
    """The answers to each kind of question."""
    compared = {"include": {"comparisons": {"mode": "previous_period"}}}
    cut = {"date_range": ["2026-03-02T10:00:00+01:00", "2026-03-02T20:00:00+01:00"]}
    queries = [
        question(asking, "event:page", "event:goal", **compared),
        question(asking, "time:hour", **cut),
        question(asking, date_range="all"),
    ]
    body = {
        "site_id": "a.org",
        "dimension": "event:props:a",
        "goal": "Docs",
        "date_range": ["2026-03-01", "2026-03-03"],
        "shares": {"b": 50},
    }
    experiment = asking.understand_experiment(body, SITE, NOW)
    noon, day = 1_772_452_800_000_000, date(2026, 3, 2)
    return [
        asking.days("a.org"),
        asking.days("b.org"),
        [(each.query, each.rows, each.compared) for each in asking.reports(queries)],
        asking.experiment(experiment),
        asking.left_out("a.org", DAYS),
        asking.unknown_sites(DAYS),
        asking.property_keys("a.org", DAYS),
        asking.export_parts("a.org", 0, 2 * noon),
        asking.export_lines("a.org", day, (noon - 1, noon)),
    ]


def test_every_kind_of_question_is_answered_as_by_the_lake_itself(
    listener: socket.socket, lake: Lake
) -> None:
    here = LakeAsking(Reading(lake), Engine(threads=1))
    with answering(listener, here):
        found = told(asker(listener))

    assert found == told(here)
    assert found[0] == Days(date(2026, 3, 2), date(2026, 3, 2)) and found[1] is None
    assert found[-2:] != [[], ""]


def test_who_asks_with_too_many_others_is_told_so_and_who_leaves_is_not_worked_for(
    listener: socket.socket, lake: Lake
) -> None:
    slow = Slow(lake)
    asking = asker(listener)
    with answering(listener, slow):
        with asked_by_others(asking, slow, AT_ONCE):
            impatient = asking.budget()
            impatient.patience = 0.01
            with pytest.raises(BusyError, match="^other questions are being answered"):
                asking.unknown_sites(DAYS, impatient)
            assert impatient.patience <= 0 < impatient.seconds
        for _ in range(AT_ONCE):
            slow.ended.get(timeout=PATIENCE)

        short = asking.budget()
        short.seconds = 0.01
        with pytest.raises(QuestionTooCostlyError, match="was stopped after"):
            asking.days("a.org", short)
        assert short.seconds <= 0 < short.patience


def test_who_was_asking_one_that_dies_is_told_at_once(listener: socket.socket) -> None:
    with dying(listener):
        with pytest.raises(AnswererGoneError, match="ended; ask again in a moment"):
            asker(listener).days("a.org")


def test_one_that_does_not_answer_is_not_waited_for_longer_than_its_question_may_take(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_asking, "BEYOND", 0.0)
    with pytest.raises(BusyError, match="is silent"):
        asker(listener).days("a.org", TimeBudget(0.01, 0.01))


def test_it_ends_once_nobody_asks_and_who_asks_then_waits_for_the_next(
    listener: socket.socket, lake: Lake
) -> None:
    here, found = LakeAsking(Reading(lake), Engine(threads=1)), []
    for _ in range(2):
        asks = threading.Thread(
            target=lambda: found.append(asker(listener).days("a.org"))
        )
        asks.start()
        while not found or asks.is_alive():
            answer_all(listener, lambda: here, rest=0.01)
        asks.join(PATIENCE)
    assert found == [here.days("a.org")] * 2


def test_where_no_server_runs_any_more_the_asker_answers_itself(
    tmp_path: Path, lake: Lake
) -> None:
    settings = Settings(data=tmp_path)
    with answers.listening(settings) as listener:
        there = answers.answering_for(settings)
        assert there == listener.getsockname()
        assert Path(there).stat().st_mode & 0o777 == 0o600
        other = Settings(data=tmp_path, lake="s3://elsewhere")
        assert answers.answering_for(other) == ""
    assert answers.answering_for(settings) == ""
    here = LakeAsking(Reading(lake), Engine(threads=1))
    assert told(ServerAsking(there, 30, lambda: here)) == told(here)
