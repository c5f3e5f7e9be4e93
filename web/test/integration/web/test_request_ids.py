"""A request's id goes from a proxy to the log, and to the answer to a failure."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any, NoReturn

import pytest
from flask import Flask

from page_tracker import app as app_module
from page_tracker import asgi
from page_tracker.asgi import FrontDoor
from page_tracker.hits.client_address import Proxies
from page_tracker.processes.log_lines import Json
from page_tracker.protocols.request import Answer, Request
from page_tracker.settings import Settings
from support.application import application
from support.collecting import CHROME

ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PROXY = "127.0.0.1"
STRANGER = "198.51.100.77"
PERSONAL = f"{STRANGER} Zq7Marked /private/page"


def fail(*_: Any) -> NoReturn:
    raise ValueError(PERSONAL)


@pytest.fixture(name="flask")
def _flask(redis_url: str, tmp_path: Path) -> Iterator[Flask]:
    with application(redis_url, tmp_path):
        flask = app_module.create_app()
        flask.add_url_rule("/a.example/fails", view_func=fail)
        flask.add_url_rule("/api/fails", view_func=fail, endpoint="api")
        yield flask


@pytest.fixture(name="log")
def _log() -> Iterator[StringIO]:
    lines = StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(Json("web"))
    logging.getLogger().addHandler(handler)
    yield lines
    logging.getLogger().removeHandler(handler)


def answer(flask: Flask, path: str, peer: str) -> tuple[int, dict[bytes, bytes], str]:
    """The status, headers and body that the front door sends to a peer."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"a"), (b"x-request-id", ID.encode())],
        "client": (peer, 4711),
        "server": ("127.0.0.1", 80),
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    door = FrontDoor(Settings(trusted_proxies=Proxies.parse(PROXY)), flask)
    asyncio.run(door(scope, receive, send))
    body = b"".join(each.get("body", b"") for each in sent)
    return sent[0]["status"], dict(sent[0]["headers"]), body.decode()


def test_the_page_of_a_failure_has_the_id_under_which_the_log_has_it(
    flask: Flask, log: StringIO
) -> None:
    status, headers, body = answer(flask, "/a.example/fails", PROXY)

    assert status == 500
    assert headers[b"x-request-id"] == ID.encode()
    assert f"report it and quote request {ID}" in body
    (line,) = map(json.loads, log.getvalue().splitlines())
    assert line["request"] == ID
    assert line["message"] == "fail failed"
    assert "in fail" in line["failure"]


def test_a_programs_failure_has_it_too(flask: Flask, log: StringIO) -> None:
    status, _, body = answer(flask, "/api/fails", PROXY)

    assert (status, json.loads(body)["request"]) == (500, ID)
    assert ID in log.getvalue()


def test_an_id_that_a_client_makes_up_is_nowhere(flask: Flask, log: StringIO) -> None:
    _, headers, body = answer(flask, "/a.example/fails", STRANGER)

    given = headers[b"x-request-id"].decode()
    assert given in body and given in log.getvalue()
    assert ID not in body + log.getvalue()


def test_a_hit_that_fails_is_in_the_log_without_who_sent_it(
    flask: Flask, log: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies: list[Answer] = []
    monkeypatch.setattr(asgi, "read_request", fail)
    door = FrontDoor(Settings(trusted_proxies=Proxies.parse(PROXY)), flask)
    monkeypatch.setattr(door, "_collector", object())
    headers = {b"x-request-id": ID.encode(), b"user-agent": CHROME.encode()}
    event = Request("POST", "/api/event", "", headers, PERSONAL.encode())

    door.answer_soon(event, (PROXY, 4711), replies.append)

    assert replies[0].status == 500 and ID in replies[0].body.decode()
    (line,) = map(json.loads, log.getvalue().splitlines())
    assert (line["message"], line["request"]) == (
        "A request by plausible could not be read",
        ID,
    )
    assert not [word for word in PERSONAL.split() if word in log.getvalue()]
