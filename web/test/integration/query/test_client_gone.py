"""A question whose client goes away is stopped, from a real connection on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from page_tracker.asgi import FrontDoor
from page_tracker.query.engine import Engine
from page_tracker.query.problem import NobodyWaitsError
from page_tracker.query.sql import Statement
from page_tracker.settings import Settings
from page_tracker.web import client_gone
from page_tracker.web.client_gone import is_wanted
from support.connecting import run, served
from support.pace import PACE

# Minutes of work for any machine.
COSTLY = Statement("SELECT count(*) FROM range(1000000) a, range(10000000) b", {})
QUESTION = b"POST /api/v2/query HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
PATIENCE = 30.0 * PACE


class Asked:
    """A web application that asks what is costly."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.stopped = threading.Event()
        self.answered = threading.Event()
        self._engine = Engine(seconds=600)

    def __call__(self, environ: Any, start: Any) -> Iterable[bytes]:
        budget = self._engine.budget(is_wanted())
        self.began.set()
        try:
            self._engine.rows(COSTLY, budget)
        except NobodyWaitsError:
            self.stopped.set()
        start("200 OK", [])
        yield b""
        self.answered.set()


def test_a_question_whose_client_leaves_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_gone, "LINGER_SECONDS", 0.1)
    asked = Asked()

    async def test() -> None:
        async with served(app=FrontDoor(Settings(), asked)) as server:
            client = await server.connect()
            client.send(QUESTION)
            assert await asyncio.to_thread(asked.began.wait, PATIENCE)
            assert not asked.stopped.is_set()
            client.writer.close()
            assert await asyncio.to_thread(asked.stopped.wait, PATIENCE)
            assert await asyncio.to_thread(asked.answered.wait, PATIENCE)

    run(test)


def test_without_a_server_that_tells_everybody_waits() -> None:
    assert is_wanted()()
