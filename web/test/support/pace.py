"""How many tests run at once, and how long their waits may last, on this machine.

A wait is for an event. Its limit only says when to give up, and on a machine with less
than a processor for the tests everything takes longer in proportion.
"""

from __future__ import annotations

import os
from pathlib import Path

from page_tracker.processes.machine import cgroups

# Of cgroups version 2, and of version 1.
_SHARES = (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us"))


def processors(root: Path = Path("/")) -> float:
    """How many processors this process may use: the machine's, or a cgroup's share.

    The least that a cgroup above it has, of version 2 or 1: see
    https://docs.kernel.org/admin-guide/cgroup-v2.html and scheduler/sched-bwc.html.
    """
    least = float(os.cpu_count() or 1)
    for folder in cgroups("cpu", root):
        for names in _SHARES:
            least = min([least, *_share(folder, *names)])
    return least


def _share(folder: Path, *names: str) -> list[float]:
    """A quota of microseconds in a period; none where there is no limit."""
    try:
        said = " ".join((folder / name).read_text("ascii") for name in names)
        quota, period = map(int, said.split())
    except (OSError, ValueError):  # not there, or "max"
        return []
    return [quota / period] if quota > 0 else []


# Most of them wait for servers for half of their time.
PROCESSES = max(1, round(2 * processors()))
# What limits of waits are multiplied by.
PACE = max(1.0, 1 / processors())
# Within which an answer over HTTP has come.
ANSWER_SECONDS = 30 * PACE
