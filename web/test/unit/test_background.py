"""Work that runs on its own: its failures are said, and it goes on."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import suppress

import pytest

from page_tracker.background import begun, ended, repeat
from page_tracker.query.timers import Timers
from page_tracker.writer.service import keep
from support.pace import PACE

PATIENCE = 30.0 * PACE  # seconds


def test_repeated_work_goes_on_after_a_failure_that_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls = 0
    done = asyncio.Event()

    async def work() -> None:
        nonlocal calls
        calls += 1
        if calls < 4:
            raise KeyError("gone")
        done.set()

    async def run() -> None:
        task = asyncio.create_task(repeat("The watch", work, 0.0))
        async with asyncio.timeout(PATIENCE):
            await done.wait()
        task.cancel()

    asyncio.run(run())
    said = [record.getMessage() for record in caplog.records]
    assert said == ["The watch failed and is tried again"]


def test_a_task_that_nobody_waits_for_says_that_it_failed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail() -> None:
        raise KeyError("gone")

    async def run() -> None:
        await asyncio.wait([begun(fail(), "a look")])
        await asyncio.sleep(0)

    asyncio.run(run())
    assert [record.getMessage() for record in caplog.records] == ["a look failed"]


def test_the_writers_threads_go_on_after_a_fault(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("page_tracker.writer.service.AGAIN", 0.0)
    stop, calls = threading.Event(), 0

    def work() -> None:
        nonlocal calls
        calls += 1
        if calls < 4:
            raise KeyError("gone")
        stop.set()

    keep("the recount", work, 0.0, stop)
    said = [record.getMessage() for record in caplog.records]
    assert said == ["the recount failed and is tried again"]


def test_a_question_that_cannot_be_stopped_leaves_others_their_limits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail() -> None:
        raise RuntimeError("closed")

    timers, stopped = Timers(), threading.Event()
    with caplog.at_level(logging.ERROR), timers.limiting(fail, 0.0):
        with timers.limiting(stopped.set, 0.05):
            assert stopped.wait(PATIENCE)
    assert "could not be stopped" in caplog.text


def test_what_takes_no_notice_of_being_cancelled_once_is_ended_all_the_same() -> None:
    async def deaf() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(PATIENCE)
        await asyncio.sleep(PATIENCE)

    async def run() -> bool:
        task = asyncio.create_task(deaf())
        await asyncio.sleep(0)
        await asyncio.wait_for(ended([task]), PATIENCE / 2)
        return task.cancelled()

    assert asyncio.run(run())
