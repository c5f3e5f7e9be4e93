"""The machine's resources, or a container's share of them."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

_LIMITS = ("memory.max", "memory.limit_in_bytes")  # of cgroups version 2, and 1


def memory(root: Path = Path("/")) -> int:
    """Bytes of memory that this process and its children may have.

    The smallest of the machine's memory and the limits of all cgroups above us: see
    https://docs.kernel.org/admin-guide, cgroup-v2.html and cgroup-v1/memory.html.
    """
    least = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for folder in cgroups("memory", root):
        for name in _LIMITS:
            least = min([least, *_number_in(folder / name)])
    return least


def cgroups(controller: str, root: Path = Path("/")) -> list[Path]:
    """The folders of this process's cgroups, and of those above them.

    For version 2 all of them, for version 1 those of the controller.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text("utf-8").splitlines()
    except OSError:  # not Linux
        return []
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for hierarchy in {"", controller}.intersection(controllers.split(",")):
            for place in (PurePosixPath(path), *PurePosixPath(path).parents):
                inside = str(place).lstrip("/")
                found.append(root / "sys/fs/cgroup" / hierarchy / inside)
    return found


def _number_in(file: Path) -> list[int]:
    """The number in a file; none if it is `max`, or there is no file."""
    try:
        return [int(file.read_text("ascii"))]
    except (OSError, ValueError):
        return []
