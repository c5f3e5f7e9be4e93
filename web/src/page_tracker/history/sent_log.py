"""A log that a person sends from the page, and its import's progress; one for a site.

    DATA/imports/sent/example.org/state.json  its progress
    DATA/imports/sent/example.org/log/        the log as it came, under its own name
    DATA/imports/sent/example.org/lock        held by the process that works on it

    coming → reading → read → importing → done; or refused, with the reason
    undoing → undone

The log is deleted as soon as its import is done, and everything else within a day
(`tidy`). Whatever is killed, the rest shows how far it was: a step at which no process
works has been interrupted, and may be started again.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from page_tracker.errors import ImportRefusedError, ImportsBusyError
from page_tracker.files import exclusive_lock, replace_file
from page_tracker.history.wanted import Wanted

Step = Literal[
    "coming",
    "reading",
    "read",
    "importing",
    "done",
    "refused",
    "undoing",
    "undone",
]
WORKING: tuple[Step, ...] = ("reading", "importing", "undoing")

# A process that works on a log has begun within this many seconds.
BEGIN_SECONDS = 30
# What nobody has touched for this long is deleted.
KEPT_SECONDS = 24 * 3600
# Bytes of disk that a log leaves free.
LEAST_ROOM = 64 << 20
_LONGEST_NAME = 100


class SentLog(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent for a site, and what became of it."""

    site: str
    step: Step
    # The name of the person's file, and its size in bytes.
    name: str = ""
    size: int = 0
    # UTC, seconds: when this was last saved.
    changed: float = 0
    # The step's progress: bytes of the log, or days that are written.
    done: int = 0
    total: int = 0
    wanted: Wanted = Wanted()
    overlap: bool = False
    # The import to undo.
    import_id: str = ""
    # The summary of the dry run, or of the import.
    said: dict[str, Any] = {}
    # The step at which it was refused, and why.
    refused_at: Step = "coming"
    problem: str = ""
    remedy: str = ""


class SentLogs:
    """The logs that were sent; `longest` is how many bytes one may have."""

    def __init__(self, folder: Path, longest: int) -> None:
        self.folder = folder
        self.longest = longest

    def of(self, site: str) -> SentLog | None:
        """What was sent for a site."""
        try:
            return msgspec.json.decode(self._state(site).read_bytes(), type=SentLog)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def is_worked_on(self, sent: SentLog) -> bool:
        """Whether a process is working on its step, or about to."""
        if sent.step not in WORKING:
            return False
        if time.time() - sent.changed < BEGIN_SECONDS:
            return True
        try:
            with exclusive_lock(self._lock(sent.site), patience=0):
                return False
        except BlockingIOError:
            return True

    def begin(self, site: str, name: str, size: int) -> SentLog:
        """Expect a log, replacing the present one.

        Raises ImportRefusedError if it is too large, or does not fit on the disk,
        ImportsBusyError if another is coming, waiting or being worked on.
        """
        self.require_free(site)
        if size > self.longest:
            raise ImportRefusedError(
                f"{name} has {size:,} bytes, and {self.longest:,} may be sent",
                "send it in parts, import it by page-tracker import, or raise"
                " PAGE_TRACKER_LONGEST_LOG",
            )
        self.discard(site)
        self._log_folder(site).mkdir(mode=0o700, parents=True)
        free = shutil.disk_usage(self.folder).free
        if free < size + LEAST_ROOM:
            raise ImportRefusedError(
                f"the disk has {free >> 20} MB of room, and {name} has {size >> 20}",
                "make room, or send it packed",
            )
        sent = SentLog(site=site, step="coming", name=plain_name(name), size=size)
        self.log(sent).touch(mode=0o600)
        return self.save(sent)

    def add(self, sent: SentLog, at: int, piece: bytes) -> SentLog:
        """Add a piece that begins at a byte. Raises ImportRefusedError out of order."""
        log = self.log(sent)
        if sent.step != "coming" or not log.exists() or log.stat().st_size != at:
            raise ImportRefusedError(
                "the log did not come piece by piece in its order",
                "send it again, from one window",
            )
        if at + len(piece) > sent.size:
            raise ImportRefusedError(
                f"{sent.name} grew while it was sent", "send a copy of it"
            )
        with log.open("ab") as file:
            file.write(piece)
        return self.save(replace(sent, done=at + len(piece), total=sent.size))

    def require_idle(self, site: str) -> None:
        """Raise ImportsBusyError if a process is working on a site's log."""
        if (sent := self.of(site)) and self.is_worked_on(sent):
            raise ImportsBusyError(
                f"{sent.name or 'an import'} of {site} is just being worked on",
                "wait until it has finished",
            )

    def require_free(self, site: str) -> None:
        """Raise ImportsBusyError if a site's log is coming, waiting or in work."""
        self.require_idle(site)
        sent = self.of(site)
        if sent is None or not self.log(sent).is_file() or sent.step in WORKING:
            return
        if sent.step != "coming" or time.time() - sent.changed < BEGIN_SECONDS:
            raise ImportsBusyError(
                f"{sent.name} was sent for {site}, and waits",
                "import it or throw it away first",
            )

    @contextmanager
    def working(self, site: str) -> Iterator[SentLog]:
        """Be the process that works on a site's log.

        Raises ImportsBusyError if another is, ImportRefusedError without a log.
        """
        sent = self.of(site)
        if sent is None:
            raise ImportRefusedError(f"no log was sent for {site}", "send one")
        try:
            with exclusive_lock(self._lock(site), patience=5):
                yield sent
        except BlockingIOError as error:
            raise ImportsBusyError(
                f"another process works on the log of {site}", "wait until it is done"
            ) from error

    def save(self, sent: SentLog) -> SentLog:
        """Save its progress; returns that."""
        sent = replace(sent, changed=time.time())
        self._state(sent.site).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(self._state(sent.site), msgspec.json.encode(sent))
        return sent

    def log(self, sent: SentLog) -> Path:
        """The log itself."""
        return self._log_folder(sent.site) / sent.name

    def drop_log(self, site: str) -> None:
        """Delete the log; its progress stays."""
        shutil.rmtree(self._log_folder(site), ignore_errors=True)

    def discard(self, site: str) -> None:
        """Delete everything."""
        shutil.rmtree(self.folder / site, ignore_errors=True)

    def tidy(self, now: float, sites: Collection[str]) -> None:
        """Discard what nobody has touched for a day, and what belongs to no site."""
        folders = self.folder.iterdir() if self.folder.is_dir() else ()
        for site in [each.name for each in folders]:
            sent = self.of(site)
            if sent and self.is_worked_on(sent):
                continue
            changed = sent.changed if sent else (self.folder / site).stat().st_mtime
            if site not in sites or now - changed > KEPT_SECONDS:
                self.discard(site)

    def _state(self, site: str) -> Path:
        return self.folder / site / "state.json"

    def _lock(self, site: str) -> Path:
        return self.folder / site / "lock"

    def _log_folder(self, site: str) -> Path:
        return self.folder / site / "log"


def plain_name(name: str) -> str:
    """The name of a person's file, made safe as a file name anywhere.

    >>> plain_name("C:\\\\logs\\\\access.log.gz"), plain_name("../-"), plain_name("")
    ('access.log.gz', 'access.log', 'access.log')
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(sign for sign in last if sign.isprintable()).lstrip("-.")
    return shown[-_LONGEST_NAME:] or "access.log"
