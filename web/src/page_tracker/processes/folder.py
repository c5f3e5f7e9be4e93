"""The data folder: created, locked by the one process that serves it, found by others.

`server.lock` is locked (flock(2)) by the process that serves the folder and names that
process and the address of its Redis. The embedded server inherits the lock, so a folder
is free again only when that server is really gone, however its parent ended.
`users.lock` is shared by the commands that use a server which another command has
started for its own duration.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec.structs import asdict

from page_tracker.errors import (
    DataFolderError,
    DataFolderInUseError,
    NoDataFolderError,
)
from page_tracker.files import exclusive_lock, shared_lock

LOCK_NAME = "server.lock"
USERS_NAME = "users.lock"
LONGEST_SOCKET_PATH = 100  # sun_path holds 108 bytes on Linux, 104 on macOS
# Every data folder has some of these.
OURS = frozenset({"format.json", "mirror.json", "redis"})


class Holder(msgspec.Struct, frozen=True):
    """Who serves a data folder."""

    pid: int
    redis_url: str
    # Where this machine reaches the web server; empty if none runs.
    web_url: str = ""


class Lock(msgspec.Struct, frozen=True):
    """A held lock; a child that inherits `descriptor` holds it too."""

    descriptor: int

    def announce(self, holder: Holder) -> None:
        """Record who holds the lock."""
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, json.dumps(asdict(holder)).encode(), 0)


def make_folder(folder: Path) -> None:
    """Create the data folder if there is none. Raises DataFolderError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.listdir(folder)
    except OSError as error:
        raise _unusable(folder, error) from error


def require_begun(folder: Path) -> None:
    """Raise NoDataFolderError if the folder has no data of ours; creates nothing.

    This catches mistyped names.
    """
    if not OURS.intersection(_names_in(folder)):
        raise _absent(f"nothing was ever counted in the folder {folder}")


def require_folder_there(folder: Path) -> None:
    """Raise NoDataFolderError if there is no such folder; creates nothing."""
    _names_in(folder)


def _names_in(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError as error:
        raise _absent(f"there is no data folder {folder}") from error
    except OSError as error:
        raise _unusable(folder, error) from error


def _absent(problem: str) -> NoDataFolderError:
    return NoDataFolderError(
        problem,
        "name the right one by --data or PAGE_TRACKER_DATA, or begin one there by"
        " page-tracker serve or page-tracker site add",
    )


@contextmanager
def locked(folder: Path) -> Iterator[Lock]:
    """Hold the folder's lock.

    Raises DataFolderError if the folder cannot be written, DataFolderInUseError if
    another process holds the lock.
    """
    with ExitStack() as stack:
        try:
            descriptor = stack.enter_context(
                exclusive_lock(folder / LOCK_NAME, patience=0)
            )
        except BlockingIOError as error:
            raise in_use(folder) from error
        except OSError as error:
            raise _unusable(folder / LOCK_NAME, error) from error
        os.ftruncate(descriptor, 0)
        yield Lock(descriptor)


def holder(folder: Path) -> Holder | None:
    """Who serves the folder; None if nobody does, or has not announced it yet."""
    try:
        return Holder(**json.loads((folder / LOCK_NAME).read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    except OSError as error:
        raise _unusable(folder / LOCK_NAME, error) from error


@contextmanager
def used_by_many(folder: Path) -> Iterator[None]:
    """Use the folder's server together with others; waits while it is about to stop."""
    with _using(folder, shared_lock):
        yield


@contextmanager
def used_alone(folder: Path) -> Iterator[None]:
    """Wait until nobody else uses the folder's server, and keep others from it."""
    with _using(folder, exclusive_lock):
        yield


@contextmanager
def _using(
    folder: Path, lock: Callable[[Path], AbstractContextManager[object]]
) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(lock(folder / USERS_NAME))
        except OSError as error:
            raise _unusable(folder / USERS_NAME, error) from error
        yield


@contextmanager
def short_socket(path: Path) -> Iterator[Path]:
    """A path that a Unix socket can have: this one, or one in a temporary folder."""
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        yield path
        return
    with TemporaryDirectory(
        prefix="page-tracker-", ignore_cleanup_errors=True
    ) as short:
        yield Path(short) / path.name


def _unusable(path: Path, error: OSError) -> DataFolderError:
    """The error of a data folder, or of a file in it."""
    remedy = "name another data folder by --data or PAGE_TRACKER_DATA"
    if isinstance(error, PermissionError) and (owner := _owner(path)):
        remedy = f"run this as the user {owner}, whose it is, or {remedy}"
    return DataFolderError(f"{path} cannot be used ({error.strerror})", remedy)


def _owner(path: Path) -> str:
    """Who owns the file, or would; empty if that is unknown."""
    try:
        return (path if path.exists() else path.parent).owner()
    except (OSError, KeyError):
        return ""


def in_use(folder: Path) -> DataFolderInUseError:
    """The error that names who serves the folder."""
    who = holder(folder)
    process = f"process {who.pid}" if who else "another process"
    return DataFolderInUseError(
        f"the data folder {folder} is in use by {process}",
        "stop that one, or name another folder by --data or PAGE_TRACKER_DATA",
    )
