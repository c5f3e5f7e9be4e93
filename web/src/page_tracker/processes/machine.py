"""What the machine has, or what a container lets us have of it."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

# Of cgroups version 2, and of version 1, with a hierarchy of its own.
_LIMITS = (("", "memory.max"), ("memory", "memory.limit_in_bytes"))


def memory(root: Path = Path("/")) -> int:
    """Bytes of memory that this process and its children may have.

    The least of the machine's and of what each cgroup above us has as its limit: see
    https://docs.kernel.org/admin-guide, cgroup-v2.html and cgroup-v1/memory.html.
    """
    own = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([own, *_limits(root)])


def _limits(root: Path) -> list[int]:
    try:
        lines = (root / "proc/self/cgroup").read_text("utf-8").splitlines()
    except OSError:  # no Linux
        return []
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller, name in _LIMITS:
            if controller in controllers.split(","):
                for place in (PurePosixPath(path), *PurePosixPath(path).parents):
                    folder = root / "sys/fs/cgroup" / controller
                    found += _number_in(folder / str(place).lstrip("/") / name)
    return found


def _number_in(file: Path) -> list[int]:
    """The number in a file; none if it is `max`, or there is no file."""
    try:
        return [int(file.read_text("ascii"))]
    except (OSError, ValueError):
        return []
