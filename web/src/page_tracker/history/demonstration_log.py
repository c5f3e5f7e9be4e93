"""The demonstration's log: a real one from May 2015, moved so that its days end today.

Four days are few to look at, and leave nothing to compare with. So requests from one
network stay together, and the networks are distributed over fourteen times four days.
`data/README.md` tells where the log is from.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from zlib import crc32

LAST_DAY = date(2015, 5, 20)
DAYS, SHARES = 4, 14

# As Apache writes it: day, time, zone.
_TIME = re.compile(r"\[(\d\d)/May/2015:(\d\d:\d\d:\d\d) \+0000\]")


def lines_until(now: datetime) -> Iterator[str]:
    """The demonstration's lines, for the eight weeks that end now (UTC)."""
    packed = files("page_tracker").joinpath("data", "demonstration.log.gz").read_bytes()
    return moved(gzip.decompress(packed).decode().splitlines(keepends=True), now)


def moved(lines: Iterable[str], now: datetime) -> Iterator[str]:
    """The lines at the same times on later days; none is after `now` (UTC)."""
    for line in lines:
        found = _TIME.search(line)
        if found is None:
            continue
        share = crc32(line.partition(" ")[0].encode()) % SHARES
        days_ago = share * DAYS + LAST_DAY.day - int(found[1])
        day = now.date() - timedelta(days=days_ago)
        moment = datetime.fromisoformat(f"{day}T{found[2]}").replace(tzinfo=UTC)
        if moment <= now:
            yield _TIME.sub(f"[{moment:%d/%b/%Y:%H:%M:%S} +0000]", line, count=1)
