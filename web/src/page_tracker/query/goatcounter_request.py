"""What GoatCounter's requests for statistics say, in the words of our questions. Pure.

See https://www.goatcounter.com/api.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from page_tracker.query.problem import QueryError

USUAL_ROWS, MOST_ROWS = 20, 100

Parameters = Mapping[str, str]


def question(site: str, said: Parameters, now: datetime) -> dict[str, Any]:
    """Visitors from `start` to `end`, by default of a week. Raises QueryError."""
    end = _instant(said, "end", now)
    start = _instant(said, "start", end - timedelta(days=7))
    ends = [each.isoformat(timespec="seconds") for each in (start, end)]
    return {"site_id": site, "metrics": ["visitors"], "date_range": ends}


def limit_of(said: Parameters, most: int = MOST_ROWS) -> int:
    """How many rows are asked for: as theirs, 1 to `most`, whatever is written."""
    return min(max(number(said, "limit", USUAL_ROWS), 1), most)


def number(said: Parameters, name: str, usual: int) -> int:
    """A number of a request. Raises QueryError."""
    text = said.get(name, "").strip()
    if not text:
        return usual
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise QueryError(name, f'"{text[:40]}" is no whole number')
    return int(text)


def is_set(said: Parameters, name: str) -> bool:
    """Whether a switch of a request is on."""
    return said.get(name, "").strip().lower() in ("1", "t", "true", "on", "yes")


def listed(said: Parameters, name: str) -> list[str]:
    """The values of a list of a request, which commas separate."""
    return [each.strip() for each in said.get(name, "").split(",") if each.strip()]


def _instant(said: Parameters, name: str, usual: datetime) -> datetime:
    text = said.get(name, "").strip()
    if not text:
        return usual
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise QueryError(name, f'"{text[:40]}" is no day and no time') from error
    if len(text) == len("2026-01-31") and name == "end":
        found = datetime.combine(found, time(23, 59, 59))
    return found if found.tzinfo else found.replace(tzinfo=UTC)
