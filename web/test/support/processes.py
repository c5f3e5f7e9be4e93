"""The server as people start it: a process, its address, its end."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from page_tracker.processes.folder import holder
from support import commands
from support.pace import PACE

BIN = Path(sys.executable).parent
POLL_SECONDS = 0.02
WAIT_SECONDS = (
    50.0 * PACE
)  # many times what a busy machine needs, for one step of a test
ADDRESS = re.compile(r"https?://[\w.\[\]:]+:\d+")


@dataclass
class Running:
    """A started server: its address, its process, what it has said so far."""

    url: str
    process: "subprocess.Popen[bytes]"
    output: Path

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def said_without_secret(self) -> str:
        """What it has said, an ellipsis in place of a one-time link's secret."""
        return re.sub(r"(/welcome/)[\w-]+", r"\1…", self.said())

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=WAIT_SECONDS)


def clean_environment(**changes: str) -> dict[str, str]:
    """Our environment without settings of Page Tracker, but for `changes`."""
    kept = {
        name: text
        for name, text in os.environ.items()
        if name != "REDIS_URL" and not name.startswith("PAGE_TRACKER_")
    }
    return {**kept, "PYTHONUNBUFFERED": "1", **changes}


@contextmanager
def running(
    output: Path, command: Sequence[str], marker: str = "", **environment: str
) -> Iterator[Running]:
    """Start a program of our virtual environment; it says its address beside `marker`.

    It is stopped in the end where the test has not done so.
    """
    path, *arguments = command
    with (
        output.open(mode="wb") as file,
        subprocess.Popen(
            [str(BIN / path), *arguments],
            env=clean_environment(**environment),
            stdout=file,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            yield Running(_address(process, output, marker), process, output)
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(timeout=WAIT_SECONDS)


@contextmanager
def serving(data: Path, *options: str, **environment: str) -> Iterator[Running]:
    """`page-tracker serve` on a free port."""
    output = data.with_name(f"{data.name}.output")
    command = ["page-tracker", "serve", "--port", "0", "--data", str(data), *options]
    with running(output, command, "counts at", **environment) as server:
        yield server


def refusal(*arguments: str, **environment: str) -> tuple[int, str]:
    """The exit status and standard error of a `page-tracker` command that ends."""
    ended = commands.run(*arguments, environment=clean_environment(**environment))
    return ended.returncode, ended.stderr


def command(*arguments: str, **environment: str) -> str:
    """What a `page-tracker` command says that succeeds."""
    ended = commands.run(*arguments, environment=clean_environment(**environment))
    assert ended.returncode == 0, f"{arguments}\n{ended.stderr}"
    return ended.stdout


@contextmanager
def store_of(data: Path) -> Iterator[Redis]:
    """A client of the embedded server that serves a data folder."""
    who = holder(data)
    assert who, f"nobody serves {data}"
    with Redis.from_url(who.redis_url) as client:
        yield client


def redis_pid(data: Path) -> int:
    """The process id of a folder's embedded server."""
    with store_of(data) as store:
        return int(store.info("server")["process_id"])


def free_port() -> int:
    """A port of the loopback that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def web_workers(server: Running) -> list[int]:
    """The processes that gunicorn has forked."""
    return [
        worker
        for child in named(server.process.pid, "tracker-web")
        for worker in descendants(child)
    ]


def named(server: int, name: str) -> list[int]:
    """The processes of this name below one."""
    return [pid for pid in descendants(server) if _name_of(pid) == name]


def _name_of(pid: int) -> str:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    return ""


def descendants(pid: int) -> list[int]:
    """The processes below one, by Linux's /proc."""
    children: list[int] = []
    # One that ends meanwhile has no children any more.
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += map(int, (task / "children").read_text("ascii").split())
    return children + [each for child in children for each in descendants(child)]


def is_alive(pid: int) -> bool:
    """Whether a process runs (one that has ended and was not reaped does not)."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


def heeds(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal, by Linux's /proc; before it has, as
    in its first moments, a signal ends it at once."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    caught = next(each for each in status.splitlines() if each.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


def wait_until(
    condition: Callable[[], bool], missing: Callable[[], object] | None = None
) -> None:
    """Return when it holds; a wait in vain ends with what is `missing`.

    What takes long to look at is looked at half of the time: the other half is for
    those who are waited for.
    """
    began = time.monotonic()
    deadline = began + WAIT_SECONDS
    while not condition():
        now = time.monotonic()
        if now > deadline:
            what = f": {missing()}" if missing else ""
            raise AssertionError(f"waited {WAIT_SECONDS:.0f} s in vain{what}")
        time.sleep(max(POLL_SECONDS, now - began))
        began = time.monotonic()


def _address(process: "subprocess.Popen[bytes]", output: Path, marker: str) -> str:
    while True:
        has_ended = process.poll() is not None
        said = output.read_text(encoding="utf-8")
        for line in said.splitlines(keepends=True):
            if marker in line and line.endswith("\n") and (at := ADDRESS.search(line)):
                return at.group()
        assert not has_ended, f"it did not start: {said}"
        time.sleep(POLL_SECONDS)
