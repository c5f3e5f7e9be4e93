"""The embedded server's append-only file: how much of it is valid, and its repair.

A file of commands, each `*<parts>` and for each part `$<bytes>`, as clients send them:
https://valkey.io/topics/protocol/. A power loss can leave half a command at its end, or
zeros, or garbage: these were never acknowledged, or the disk lied about its sync.
Damage further in is followed by complete commands, and is not repaired.
"""

from __future__ import annotations

import mmap
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from page_tracker.days import DAY_SECONDS
from page_tracker.errors import ProcessError
from page_tracker.files import replacing, unused

FOLDER = "appendonlydir"
MANIFEST = "appendonly.aof.manifest"
# Quarantined files have the keys of the day's visitors, which must not be kept.
KEPT_ASIDE = 2 * DAY_SECONDS  # seconds
# What the server logs when it starts, once it has read its files, and where there is no
# room for them; and about a file that it cannot read.
_STARTS, _READY = b" is starting ", b"Ready to accept connections"
_NO_ROOM = b"No space left on device"
_SAID = re.compile(rb"append[ -]only|AOF|RDB|Wrong signature", re.IGNORECASE)
_PARTS = re.compile(rb"\*([1-9]\d{0,6})\r\n")
_BYTES = re.compile(rb"\$(\d{1,9})\r\n")
_NOTE = re.compile(rb"#[ -~]*\r\n")
_SITES = re.compile(rb"\$5\r\nsites\r\n\$\d+\r\n([^\r]*)\r")


class DamagedStoreError(ProcessError):
    """The embedded server's own files are damaged, and not at their end."""


class Look(msgspec.Struct, frozen=True):
    """How many bytes of a file are valid, of how many; whether commands follow."""

    whole: int
    size: int
    goes_on: bool = False


def mend(store: Path, log: Path) -> str:
    """Repair the file's end if the server failed because of it; returns what was done.

    Empty if it failed for another reason, or ended later. Raises DamagedStoreError if
    the damage is not at the end, OSError.
    """
    said = log.read_bytes().rpartition(_STARTS)[2]
    if _READY in said or _NO_ROOM in said or not _SAID.search(said):
        return ""
    log.write_bytes(b"")
    path = _last_file(store)
    if path is not None:
        found = look(path)
        if found.whole < found.size and not found.goes_on:
            return _cut(path, found)
        where = f"{path} is damaged after its first {found.whole} bytes of {found.size}"
        if found.whole == found.size:
            where = f"a file in {path.parent} is damaged"
    else:
        where = f"{store / FOLDER} has no list of its files"
    raise DamagedStoreError(
        f"the store cannot be read: {where}",
        "put the data folder back from a backup, or begin with an empty store by"
        " page-tracker recover: sites and tokens come back from their mirror, the"
        " counters from the lake; what was not in the lake yet is lost",
    )


def set_aside(store: Path) -> Path:
    """Quarantine the damaged files, so that an empty store can start; returns where."""
    aside = unused(store / f"{FOLDER}-damaged")
    (store / FOLDER).rename(aside)
    return aside


def forget_aside(store: Path, now: float) -> None:
    """Delete what was quarantined two days ago or earlier. Raises OSError."""
    for path in (*store.glob("*.damaged*"), *store.glob(f"{FOLDER}-damaged*")):
        if now - path.stat().st_ctime > KEPT_ASIDE:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def look(path: Path) -> Look:
    """Check a whole file. Raises OSError."""
    size = path.stat().st_size
    if not size:
        return Look(0, 0)
    with path.open("rb") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            whole = at = 0
            is_within = False
            for at, name in _commands(data, 0):
                # Commands between these two count together or not at all.
                is_within = name == b"MULTI" or (is_within and name != b"EXEC")
                if not is_within:
                    whole = at
            return Look(whole, size, at < size and _goes_on(data, at))


def _commands(data: mmap.mmap, at: int) -> Iterator[tuple[int, bytes]]:
    """Where each complete command from `at` on ends, and its name."""
    while at < len(data):
        if note := _NOTE.match(data, at):
            at = note.end()
            yield at, b""
            continue
        end, name = _command(data, at)
        if not end:
            return
        at = end
        yield at, name


def _command(data: mmap.mmap, at: int) -> tuple[int, bytes]:
    """Where the command at `at` ends, and its name; 0 if it is incomplete."""
    head = _PARTS.match(data, at)
    if head is None:
        return 0, b""
    at, name = head.end(), b""
    for part in range(int(head[1])):
        length = _BYTES.match(data, at)
        if length is None:
            return 0, b""
        begin, end = length.end(), length.end() + int(length[1])
        if data[end : end + 2] != b"\r\n":
            return 0, b""
        if part == 0:
            name = data[begin : min(end, begin + 16)].upper()
        at = end + 2
    return at, name


def _goes_on(data: mmap.mmap, after: int) -> bool:
    """Whether a complete command follows the damage anywhere."""
    at = data.find(b"\r\n*", after)
    while at >= 0:
        if _command(data, at + 2)[0]:
            return True
        at = data.find(b"\r\n*", at + 2)
    return False


def _last_file(store: Path) -> Path | None:
    """The file that was written to last, according to the server's manifest."""
    try:
        listed = (store / FOLDER / MANIFEST).read_text("utf-8").split("\n")
    except (OSError, ValueError):
        return None
    names = [line.split()[1] for line in listed if " type i" in line]
    return store / FOLDER / names[-1] if names else None


def _cut(path: Path, found: Look) -> str:
    """Keep only the valid part of a file, and quarantine the file as it was."""
    written = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(path.stat().st_mtime))
    with replacing(path) as whole:
        with path.open("rb") as file, whole.open("wb") as copy:
            file.seek(found.whole)
            sites = sorted(set(_SITES.findall(file.read())))
            file.seek(0)
            shutil.copyfileobj(file, copy)
            copy.truncate(found.whole)
        aside = unused(path.parent.parent / f"{path.name}.damaged")
        os.link(path, aside)
    of = ", ".join(site.decode(errors="replace") for site in sites)
    return (
        f"the last {found.size - found.whole} bytes of {path} were not written whole,"
        f" and are off; the file as it was is {aside}, for two days. Hits of the moment"
        f" before {written} UTC may be gone" + (f", of {of}" if of else "")
    )
