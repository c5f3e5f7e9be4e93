"""The door of a whole server: its files, its crowds, what it leaves behind."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from support.pace import PACE
from support.processes import BIN, Running, descendants, running

TIMEOUT = 30 * PACE
# How many files may be open: the soft limit, and the hard one.
SOFT, HARD = 100, 300
SERVE = ("page-tracker", "serve", "--port", "0", "--workers", "1")
CONFIGURED = (
    *("gunicorn", "--config", "python:page_tracker.gunicorn_config"),
    *("--bind", "127.0.0.1:0", "--log-level", "info"),
)


@pytest.fixture(name="server", scope="module", params=[SERVE, CONFIGURED], ids=str)
def _server(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    redis_url: str,
) -> Iterator[Running]:
    """A server that may have few files open, and fewer by default."""
    folder = tmp_path_factory.mktemp("door")
    environment = {"PAGE_TRACKER_DATA": str(folder / "data")}
    program, *options = request.param
    if program == "gunicorn":  # the other has its own, which is one of its processes
        environment["REDIS_URL"] = redis_url
    script = f'ulimit -Sn {SOFT} && ulimit -Hn {HARD} && exec "$@"'
    line = ("/bin/sh", "-c", script, "sh", str(BIN / program), *options)
    marker = "counts at" if program == "page-tracker" else "Listening at"
    with running(folder / "output", line, marker, **environment) as server:
        yield server


def limits_of(pid: int) -> dict[str, list[str]]:
    """The limits of a process, soft and hard, by Linux's /proc."""
    rows = Path(f"/proc/{pid}/limits").read_text(encoding="utf-8").splitlines()
    return {row[:26].strip(): row[26:].split()[:2] for row in rows}


def test_all_processes_use_what_files_they_may_and_leave_no_core(
    server: Running,
) -> None:
    requests.get(f"{server.url}/livez", timeout=TIMEOUT)
    processes = [server.process.pid, *descendants(server.process.pid)]
    assert len(processes) > 1
    for pid in processes:
        limits = limits_of(pid)
        assert limits["Max core file size"] == ["0", "0"]
        assert limits["Max open files"] == [str(HARD), str(HARD)]


def test_a_crowd_of_silent_connections_keeps_nobody_out(server: Running) -> None:
    parts = urlsplit(server.url)
    address = (parts.hostname, parts.port)
    with ExitStack() as stack:
        for _ in range(HARD):
            stack.enter_context(socket.create_connection(address, TIMEOUT))
        for _ in range(3):
            answer = requests.get(f"{server.url}/readyz", timeout=TIMEOUT)
            assert answer.status_code == 200
        assert "connections have run out" in server.said()


@pytest.mark.parametrize(
    "path", ["sites", "v2/query", "address", "openapi.json", "nothing", "event"]
)
def test_no_cache_may_keep_an_answer_of_the_interface(
    server: Running, path: str
) -> None:
    answer = requests.get(f"{server.url}/api/{path}", timeout=TIMEOUT)
    assert "no-store" in answer.headers["Cache-Control"]
    posted = requests.post(f"{server.url}/api/{path}", data="{}", timeout=TIMEOUT)
    assert "no-store" in posted.headers["Cache-Control"]
