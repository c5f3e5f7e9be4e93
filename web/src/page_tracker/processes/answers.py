"""One process beside `page-tracker serve` that answers the questions of all others.

The server listens for it. It starts with the first question, as by inetd, shares what
the server has loaded, and ends once nobody has asked for a minute: with it goes what
DuckDB and Delta take, which each web process would keep. If a question needs more
memory than there is, the kernel kills this process and none that accepts hits.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

import page_tracker
from page_tracker.files import replace_file
from page_tracker.processes.child import Program
from page_tracker.processes.folder import short_socket
from page_tracker.processes.forked import forked
from page_tracker.settings import Settings

SOCKET_NAME = "answers.sock"
PLACE_NAME = "answers.json"
BACKLOG = 2048
FEWEST_THREADS = 2
STOP_SECONDS = 5.0


class Place(msgspec.Struct, frozen=True):
    """The socket where a folder's server has questions answered, and what asker and
    answerer have to agree on."""

    socket: str
    agreed: str


@contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """Listen for questions of this user alone, and say where.

    The lock of the data folder is held.
    """
    with ExitStack() as stack:
        path = stack.enter_context(short_socket(settings.data / SOCKET_NAME))
        try:
            listener = _bound(path)
        except OSError:  # not every file system has sockets
            path = Path(stack.enter_context(TemporaryDirectory())) / SOCKET_NAME
            listener = _bound(path)
        stack.callback(_remove, path)
        with listener:
            listener.listen(BACKLOG)
            said = msgspec.json.encode(Place(str(path), _agreed(settings)))
            stack.callback(_remove, settings.data / PLACE_NAME)
            with suppress(OSError):  # on a full disk, each process answers for itself
                replace_file(settings.data / PLACE_NAME, said)
            yield listener


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def answering_for(settings: Settings) -> str:
    """The socket where a server of this folder has questions answered as these settings
    say; empty if there is none. It may be that of a server that was killed."""
    said = settings.data / PLACE_NAME
    try:
        place = msgspec.json.decode(said.read_bytes(), type=Place)
        # In a temporary folder that a killed server left, anybody may listen by now.
        is_ours = os.stat(place.socket).st_uid == said.stat().st_uid
    except (OSError, msgspec.DecodeError):
        return ""
    return place.socket if is_ours and place.agreed == _agreed(settings) else ""


def _agreed(settings: Settings) -> str:
    """The code that is installed, where the lake is, and who reads it: no secret."""
    code = Path(page_tracker.__file__).parent
    words = (code, code.stat().st_mtime_ns, settings.lake, settings.s3_endpoint)
    return " ".join(map(str, (*words, settings.reports)))


def _bound(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)  # a server that was killed has left it
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener


def program(listener: socket.socket, workers: int) -> Program:
    """The process that answers who connects, as a program that waits until one does.

    It has as many threads as there are web processes, for each of which it answers.
    """
    descriptor = listener.fileno()
    threads = str(max(FEWEST_THREADS, workers))
    command = ["page_tracker", "answer-questions", str(descriptor), threads]
    return Program(
        name="answers",
        start=partial(forked, "tracker-answers", command, [descriptor]),
        is_ready=lambda: True,
        patience=0.0,
        grace=STOP_SECONDS,
        asked_at=listener,
    )
