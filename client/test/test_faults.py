"""Servers that are away, hang, refuse or die, and processes that fork and end.

The servers are real ones; where one is to hang, it is a socket that nobody reads from.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from counted import BROWSER, SITE, Counted, counted_by
from page_tracker.store.counters import Live
from page_tracker_client import Client, Visitor, track
from support.pace import PACE
from support.processes import clean_environment, descendants, store_of, wait_until

SECONDS = 60 * PACE
# 20 of an address at once, and no more than this afterwards.
A_SECOND = {"PAGE_TRACKER_HITS_OF_ADDRESS": "1"}
TRUST = {"PAGE_TRACKER_TRUSTED_PROXIES": "127.0.0.1"}


@pytest.fixture(name="counted", scope="module")
def a_server_that_refuses(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Counted]:
    data = tmp_path_factory.mktemp("faults") / "data"
    with counted_by(data, **A_SECOND, **TRUST) as counted:
        yield counted


@contextmanager
def a_port(backlog: int | None) -> Iterator[str]:
    """An address that refuses connections (None), or takes them and says nothing."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        if backlog is not None:
            bound.listen(backlog)
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def visitor(number: int) -> Visitor:
    return Visitor(f"198.51.{number // 256}.{number % 256}", BROWSER)


@pytest.mark.parametrize("backlog", [None, 100], ids=["away", "hanging"])
def test_a_server_that_takes_nothing_is_waited_for_by_nobody_and_told_with_a_count(
    backlog: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    with a_port(backlog) as server:
        # Whoever waited for an answer would wait for longer than a test may take.
        client = Client(server, SITE, capacity=5, timeout=3_000, exit_seconds=0.1)
        for number in range(20):
            client.view(f"https://{SITE}/", visitor(number))
        assert not client.flush(0.1)
        client.close()

    assert client.losses == 20
    said = [each.getMessage() for each in caplog.records]
    assert sum(int(line.split()[0]) for line in said) == 20
    assert len(said) <= 2 and all(server in line for line in said)


class Odd:
    """A property that cannot be written."""

    def __str__(self) -> str:
        raise ZeroDivisionError("odd")


def test_a_property_that_cannot_be_written_is_told_and_harms_nothing_else(
    counted: Counted, caplog: pytest.LogCaptureFixture
) -> None:
    with Client(counted.url, SITE) as client:
        odd: Any = {"plan": Odd()}
        client.track("Signup", "https://odd.example/", visitor(0), props=odd)
        client.view("https://odd.example/after", visitor(0))
        assert client.flush(SECONDS)
    assert counted.paths("odd.example", 1) == ["/after"]
    assert client.losses == 1
    assert "cannot be written: ZeroDivisionError('odd')" in caplog.text


def test_nothing_is_lost_and_nothing_twice_while_the_server_is_killed(
    counted: Counted,
) -> None:
    host = "killed.example"
    client = Client(counted.url, SITE)
    for number in range(600):
        client.view(f"https://{host}/{number}", visitor(number))
        if number % 300 == 299:
            kill_web(counted)
    assert client.flush(SECONDS)
    client.close()

    assert client.losses == 0
    paths = counted.paths(host, 600)
    assert sorted(paths) == sorted(f"/{number}" for number in range(600))


def kill_web(counted: Counted) -> None:
    """Kill those who answer, once they have taken more and more is on its way."""
    with store_of(counted.data) as store:
        live = Live(store)
        taken = live.total(SITE)
        wait_until(lambda: live.total(SITE) > taken)
    for pid in descendants(counted.server.process.pid):
        if b"gunicorn" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)


def test_a_visitor_who_is_refused_holds_up_nobody_else(counted: Counted) -> None:
    host = "flood.example"
    client = Client(counted.url, SITE)
    for number in range(40):
        client.view(f"https://{host}/flood", visitor(1_000))
    for number in range(40):
        client.view(f"https://{host}/{number}", visitor(2_000 + number))
    assert client.flush(SECONDS)
    client.close()

    paths = counted.paths(host, 80 - client.losses)
    assert len(paths) == 80 - client.losses and paths.count("/flood") >= 20
    others = [path for path in paths if path != "/flood"]
    assert sorted(others) == sorted(f"/{number}" for number in range(40))


FORKING = """
import multiprocessing, os, sys
from page_tracker_client import Client, Visitor

client = Client(sys.argv[1], "app.example")

def view(name):
    client.view(f"https://forked.example/{name}", Visitor("198.51.100.1", sys.argv[2]))

view("waits-in-the-parent")
if os.fork() == 0:
    view("fork")
    sys.exit()
os.wait()
child = multiprocessing.get_context("fork").Process(target=view, args=("process",))
child.start()
child.join()
view("parent")
"""


def test_what_each_process_saw_is_counted_once_when_it_ends(
    counted: Counted, tmp_path: Path
) -> None:
    program = tmp_path / "forking.py"
    program.write_text(FORKING, "utf-8")
    command = (sys.executable, program, counted.url, BROWSER)
    ended = subprocess.run(
        command, env=clean_environment(), check=True, capture_output=True, text=True
    )

    paths = counted.paths("forked.example", 4)
    assert sorted(paths) == ["/fork", "/parent", "/process", "/waits-in-the-parent"]
    assert ended.stderr == ""


def test_a_server_that_takes_all_visitors_for_one_is_told_with_what_to_do(
    counted: Counted,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By an application at an address that this server does not trust."""
    elsewhere = partial(socket.create_connection, source_address=("127.0.0.3", 0))
    monkeypatch.setattr(socket, "create_connection", elsewhere)
    with Client(counted.url, SITE) as client:
        for number in range(3):
            client.view("https://trust.example/", visitor(number))
        assert client.flush(SECONDS)
    with Client(counted.url, "unknown.example") as client:
        client.view("https://unknown.example/", visitor(0))
        assert client.flush(SECONDS)

    told = caplog.text
    assert told.count("PAGE_TRACKER_TRUSTED_PROXIES") == 2  # by each client, once
    assert "all counted as one, at '127.0.0.3'" in told
    assert "the server has no such site" in told
    assert len({row["visitor"] for row in counted.rows("trust.example", 3)}) == 1


def test_an_event_outside_of_a_request_is_told_and_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    track("Signup")
    assert "'Signup' was not counted" in caplog.text
