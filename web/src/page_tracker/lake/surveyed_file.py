"""A data file as its rows show it, and as a commit names it."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
from deltalake.transaction import AddAction


class SurveyedFile(msgspec.Struct, frozen=True):
    """A data file: its number of rows, its days, sites and moments."""

    path: Path
    rows: int
    first: date
    last: date
    sites: tuple[str, str] = ("", "")
    moments: tuple[datetime, datetime] | None = None


def added(folder: Path, found: SurveyedFile) -> AddAction:
    """A file as a commit names it, with the statistics by which readers skip it.

    https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics
    """
    least = {"day": f"{found.first}", "site": found.sites[0]}
    most = {"day": f"{found.last}", "site": found.sites[1]}
    if found.moments is not None:
        # The log has milliseconds: round up, so that nothing is above the last one.
        above = found.moments[1] + timedelta(milliseconds=1)
        least["time"], most["time"] = map(_moment, (found.moments[0], above))
    stats = {
        "numRecords": found.rows,
        "minValues": least,
        "maxValues": most,
        "nullCount": dict.fromkeys(least, 0),
    }
    about = found.path.stat()
    month = found.path.parent.name.partition("=")[2]
    return AddAction(
        path=str(found.path.relative_to(folder)),
        size=about.st_size,
        partition_values={"month": month},
        modification_time=about.st_mtime_ns // 1_000_000,
        data_change=True,
        stats=json.dumps(stats),
    )


def _moment(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z"
