"""Small disks of a test's own, which it fills."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Path]:
    """A file system of this size in a new folder."""
    place.mkdir()
    subprocess.run(  # nosec B607 # the machine's own program
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", place], check=True
    )
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)  # nosec B607 # as above


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Not a byte is free."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2
    try:
        yield
    finally:
        filler.unlink()
