"""A disk that is full of logs, or of what else: the server goes on counting."""

import subprocess
from pathlib import Path

import psutil
import requests

from page_tracker.processes.folder import holder
from support.pace import ANSWER_SECONDS
from support.processes import BIN, clean_environment, wait_until


def _answers(data: Path) -> bool:
    who = holder(data) if data.exists() else None
    try:
        return bool(
            who and who.web_url and requests.get(who.web_url, timeout=ANSWER_SECONDS).ok
        )
    except requests.RequestException:
        return False


def _children(pid: int, name: str) -> list[psutil.Process]:
    children = psutil.Process(pid).children()
    return [each for each in children if each.name() == name]


def test_a_log_that_cannot_be_written_ends_no_server(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with (
        Path("/dev/full").open("wb") as full,
        subprocess.Popen(
            [BIN / "page-tracker", "serve", "--port", "0", "--data", str(data)],
            env=clean_environment(),
            stdout=full,
            stderr=full,
        ) as server,
    ):
        try:
            # The writer is started last: what ends before ends the server by design.
            wait_until(lambda: bool(_children(server.pid, "tracker-writer")))
            (web,) = _children(server.pid, "tracker-web")
            web.kill()  # of which the supervisor has to say something
            web.wait(timeout=ANSWER_SECONDS)
            wait_until(lambda: _answers(data))
        finally:
            server.terminate()
        assert (
            server.wait(timeout=ANSWER_SECONDS) == 1
        )  # it could not say what it had to
