"""`page-tracker serve`: Redis, web server, writer and who answers, under one process.

    data folder locked → address taken → redis and web ready → its address printed

While Redis starts, this process loads the application, and web and writer are forked
from it: they share its memory, and neither has to load again what it has. So is, with
the first question, who answers questions.

This process binds the address and gunicorn inherits it: if it cannot be bound, nothing
is started; connections wait while gunicorn is restarted.
"""

import errno
import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from ipaddress import ip_address
from pathlib import Path

from page_tracker.errors import AddressError
from page_tracker.lake.folder_format import require_folder
from page_tracker.processes import answers, embedded
from page_tracker.processes.child import Process, Program
from page_tracker.processes.folder import Holder, locked, make_folder
from page_tracker.processes.forked import forked, load, said_by
from page_tracker.processes.readiness import web_answers
from page_tracker.processes.run_command import reason_of
from page_tracker.processes.supervisor import Supervisor
from page_tracker.settings import Settings, pass_on, without_password

WEB_START_SECONDS = 60.0
WEB_STOP_SECONDS = 15.0  # above gunicorn's graceful_timeout
WRITER_STOP_SECONDS = 60.0  # a commit to a slow lake
BACKLOG = 2048
# What to do about an address that cannot be taken, by the reason.
REMEDIES = {
    errno.EADDRINUSE: "stop what listens there, or choose others by --host and --port",
    errno.EADDRNOTAVAIL: (
        "this machine has no such address: choose one that it has by --host, or 0.0.0.0"
        " for all of them"
    ),
    errno.EACCES: (
        "your user may not take a port this low: choose one above 1023 by --port, and"
        " put a proxy before it"
    ),
}
# What web and writer are forked with: in memory once, and ready when one is restarted.
SHARED = ("page_tracker.asgi", "page_tracker.gunicorn_config", "gunicorn.app.wsgiapp")


def serve(
    settings: Settings, say: Callable[[str], None], log: Callable[[str], None]
) -> None:
    """Serve until a signal; `say` reports where it listens, `log` what ends meanwhile.

    Raises DataFolderError, AddressError, ProcessError if it cannot start.
    """
    with ExitStack() as stack:
        make_folder(settings.data)
        lock = stack.enter_context(locked(settings.data))
        require_folder(settings.data)
        listener = stack.enter_context(_listening(settings.host, settings.port))
        programs = []
        redis_url = settings.redis_url
        if redis_url is None:
            redis_url = stack.enter_context(embedded.socket_url(settings.data))
            programs.append(embedded.program(settings, lock, redis_url))
        lock.announce(Holder(os.getpid(), redis_url, _address(listener)))
        asked = stack.enter_context(answers.listening(settings))
        pass_on(
            REDIS_URL=redis_url,
            PAGE_TRACKER_DATA=str(settings.data),
            PAGE_TRACKER_LAKE=settings.lake or "",
            PAGE_TRACKER_TRUSTED_PROXIES=str(settings.trusted_proxies),
        )
        programs += [
            answers.program(asked, settings.workers),
            _web(settings, listener),
            _writer(),
        ]
        shown = without_password(settings.redis_url) if settings.redis_url else ""

        def announce() -> None:
            link = _first_link(settings.data, log)
            say(f"Page Tracker counts at {_address(listener)}")
            if link:
                say(f"  your account {link}")
            say(f"  data folder  {settings.data}")
            if shown:
                say(f"  Redis        {shown}")
            say("  Ctrl-C stops it.")

        Supervisor(programs, log).run(announce)


def _first_link(data: Path, log: Callable[[str], None]) -> str:
    """The one-time link that creates the first account; empty once there is one."""
    if (data / "people.json").exists():
        return ""
    status, said = said_by("tracker-link", ["page_tracker", "account", "link"])
    if status:
        log(
            f"page-tracker account link, which makes the first account, ended with "
            f"status {status}; {reason_of(said)}"
        )
        return ""
    return said.decode().split()[-1]


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens at the address. Raises AddressError."""
    listener = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        return listener
    except OSError as error:
        if listener:
            listener.close()
        raise AddressError(
            f"cannot listen at {host} port {port} ({error.strerror})",
            REMEDIES.get(error.errno or 0, REMEDIES[errno.EADDRINUSE]),
        ) from error


def _web(settings: Settings, listener: socket.socket) -> Program:
    command = [
        *("gunicorn", "--config", "python:page_tracker.gunicorn_config"),
        *("--bind", f"fd://{listener.fileno()}"),
        *("--workers", str(settings.workers)),
    ]

    def start() -> Process:
        load(SHARED)
        return forked("tracker-web", command, [listener.fileno()])

    return Program(
        name="web",
        start=start,
        is_ready=lambda: web_answers(_reachable(listener)),
        patience=WEB_START_SECONDS,
        grace=WEB_STOP_SECONDS,
        starts_beside=True,  # it loads for longer than an empty store takes to answer
    )


def _writer() -> Program:
    return Program(
        name="writer",
        start=partial(forked, "tracker-writer", ["page_tracker", "writer"], []),
        is_ready=lambda: True,
        patience=WEB_START_SECONDS,
        grace=WRITER_STOP_SECONDS,
    )


def _reachable(listener: socket.socket) -> tuple[str, int]:
    """Where this machine itself reaches the listener."""
    host, port = listener.getsockname()[:2]
    if ip_address(host).is_unspecified:
        host = "::1" if listener.family == socket.AF_INET6 else "127.0.0.1"
    return host, port


def _address(listener: socket.socket) -> str:
    host, port = _reachable(listener)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
