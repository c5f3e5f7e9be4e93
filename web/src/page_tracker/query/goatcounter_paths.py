"""What GoatCounter calls a path: a page, or an event by its name. Pure.

Its programs know a path by a number, which is made of its text here, so it is always
the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from page_tracker.query.goatcounter_request import (
    Parameters,
    is_set,
    limit_of,
    listed,
    number,
)
from page_tracker.query.parse import MAX_ROWS
from page_tracker.query.problem import QueryError
from page_tracker.query.report import Report

PAGE, EVENT = "event:page", "event:name"
# Of all hits, those that are events.
EVENTS_ONLY: list[Any] = ["is_not", EVENT, ["pageview", "engagement"]]
MOST_PATHS = 200


class Path(NamedTuple):
    """A page's path, or an event's name."""

    text: str
    is_event: bool = False

    @property
    def number(self) -> int:
        return path_id(self.text)


def path_id(text: str) -> int:
    """A number for a text, always the same, which every JSON parser holds (48 bits)."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).digest()
    return int.from_bytes(digest, "big")


def by_path(body: dict[str, Any], limit: int, offset: int = 0) -> list[dict[str, Any]]:
    """A question asked by page, and by event."""
    pages = {"pagination": {"limit": limit, "offset": offset}}
    filters = [*body.get("filters", []), EVENTS_ONLY]
    return [
        body | pages | {"dimensions": [PAGE]},
        body | pages | {"dimensions": [EVENT], "filters": filters},
    ]


def counts_of(pages: Report, events: Report) -> list[tuple[Path, Any]]:
    """Paths with their visitors, those of most visitors first."""
    found = [
        (Path(str(row.dimensions[0]), is_event), row.metrics[0])
        for report, is_event in ((pages, False), (events, True))
        for row in report.rows
    ]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def paths_questions(site: str, offset: int) -> list[dict[str, Any]]:
    """All pages and events that a site ever had, as many as one answer holds."""
    body = {"site_id": site, "metrics": ["visitors"], "date_range": "all"}
    return by_path(body, MAX_ROWS, offset)


def is_full(reports: Sequence[Report]) -> bool:
    """Whether an answer holds no more, so that others follow."""
    return any(len(report.rows) == MAX_ROWS for report in reports)


def paths_answer(paths: Iterable[Path], said: Parameters) -> dict[str, Any]:
    """`{"paths": [{"id", "path", "title", "event"}], "more"}`, in the order of their
    ids, those after the id `after`. Raises QueryError."""
    limit, after = limit_of(said, MOST_PATHS), number(said, "after", 0)
    ordered = sorted((path.number, path) for path in paths)
    rest = [(id_, path) for id_, path in ordered if id_ > after]
    shown = [
        {"id": id_, "path": path.text, "title": "", "event": path.is_event}
        for id_, path in rest[:limit]
    ]
    return {"paths": shown, "more": len(rest) > limit}


def names_paths(said: Parameters) -> bool:
    """Whether a request is about some paths only."""
    return bool(listed(said, "include_paths"))


def chosen(said: Parameters, paths: Sequence[Path]) -> list[Path]:
    """The paths that a request is about, by number or, if it says so, by name.

    Raises QueryError for a number that none of them has.
    """
    wanted = listed(said, "include_paths")
    if is_set(said, "path_by_name"):
        return [path for path in paths if path.text in wanted]
    by_number = {str(path.number): path for path in paths}
    if unknown := [each for each in wanted if each not in by_number]:
        raise QueryError("include_paths", f"no path has the number {unknown[0][:40]}")
    return [by_number[each] for each in wanted]


def path_of(paths: Iterable[Path], number_: int) -> Path | None:
    """The path of a number."""
    return next((path for path in paths if path.number == number_), None)


def only(paths: Sequence[Path]) -> list[Any]:
    """The filters of a question about these paths only."""
    pages = [path.text for path in paths if not path.is_event]
    events = [path.text for path in paths if path.is_event]
    leaves = [["is", PAGE, pages]] * bool(pages) + [["is", EVENT, events]] * bool(
        events
    )
    # No hit is both: nothing of what is asked about was ever seen.
    return [["or", leaves]] if leaves else [["is", EVENT, [""]]]


def is_left_out(said: Parameters, path: Path) -> bool:
    """Whether a request leaves a path out: programs have what follows in this way."""
    left_out = listed(said, "exclude_paths")
    by_name = is_set(said, "path_by_name")
    return (path.text if by_name else str(path.number)) in left_out
