"""An experiment: visitors in groups, and who of them reached a goal.

    JSON → Experiment → the days' hits, slice by slice → the numbers of each group

A group is a value of a dimension, like that of a property. Visitors belong to one day,
and so does what they do in their group.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from page_tracker.query.catalog import GOAL, TIME_BUCKETS
from page_tracker.query.lake_state import LakeState
from page_tracker.query.parse import Known, parse
from page_tracker.query.plan import Days, days_between, days_of, runs
from page_tracker.query.problem import QueryError, escaped, nearest
from page_tracker.query.proportions import Proportion
from page_tracker.query.query import Query, Range
from page_tracker.query.runner import SMALL
from page_tracker.query.shared_rows import Slice, slices
from page_tracker.query.sql import groups_statement
from page_tracker.sites.goal import Goal

if TYPE_CHECKING:  # what only parses does not load DuckDB
    from page_tracker.query.database import Session

REQUIRED = ("site_id", "dimension", "goal", "date_range")
KEYS = (*REQUIRED, "filters", "control", "shares")
MOST_SHARE = 1_000_000
# A property with more values is no experiment.
MOST_GROUPS = 20


class Experiment(msgspec.Struct, frozen=True):
    """A question about an experiment; `query` has its dimension, range and filter.

    The others are compared with the group `control`: the first by name, if it is ''.
    `shares` has how visitors were meant to be split; nothing if evenly.
    """

    query: Query
    goal: Goal
    control: str = ""
    shares: Mapping[str, float] = msgspec.field(default_factory=dict)
    is_running: bool = False


class Groups(msgspec.Struct, frozen=True):
    """The visitors of each group; `in_several` were in several on one day."""

    found: Mapping[str, Proportion]
    in_several: int = 0


def parse_experiment(body: object, known: Known) -> Experiment:
    """Understand a question about an experiment.

    Raises QueryError if it is not one; says where and what would be right.
    """
    if not isinstance(body, dict):
        raise QueryError("#", f"an experiment is an object with {', '.join(KEYS)}")
    for key in body:
        if key not in KEYS:
            raise QueryError(
                f"#/{escaped(key)}", f"unknown key{nearest(str(key), KEYS)}"
            )
    for key in REQUIRED:
        if key not in body:
            raise QueryError(f"#/{key}", "is required")
    query = _query(body, known)
    return Experiment(
        query,
        _goal(body["goal"], known.goals),
        _text(body.get("control", ""), "#/control"),
        _shares(body.get("shares", {})),
        _is_running(query.range, known.now),
    )


def _query(body: Mapping[str, object], known: Known) -> Query:
    """The question for the visitors of each group."""
    name = body["dimension"]
    if name in (GOAL, "time", *TIME_BUCKETS):
        raise QueryError(
            "#/dimension",
            "must be an attribute of visits or events, such as event:props:a (not a"
            " goal or a time)",
        )
    question = {
        "site_id": body["site_id"],
        "metrics": ["visitors"],
        "date_range": body["date_range"],
        "dimensions": [name],
        "filters": body.get("filters", []),
    }
    try:
        return parse(question, known)
    except QueryError as error:
        place = error.pointer.replace("#/dimensions/0", "#/dimension")
        raise QueryError(place, error.problem) from error


def _goal(value: object, goals: tuple[Goal, ...]) -> Goal:
    named = {goal.name: goal for goal in goals}
    if isinstance(value, str) and value in named:
        return named[value]
    hint = nearest(str(value), named) if named else "; this site has none: add it first"
    raise QueryError("#/goal", f'there is no goal "{str(value)[:100]}"{hint}')


def _text(value: object, pointer: str) -> str:
    if not isinstance(value, str):
        raise QueryError(pointer, "must be the name of a group")
    return value


def _shares(value: object) -> dict[str, float]:
    pointer = "#/shares"
    if not isinstance(value, dict):
        raise QueryError(pointer, 'must be an object, like {"a": 50, "b": 50}')
    for name, share in value.items():
        is_number = isinstance(share, int | float) and not isinstance(share, bool)
        if not is_number or not 0 < share <= MOST_SHARE:
            raise QueryError(
                f"{pointer}/{escaped(name)}", f"must be above 0, at most {MOST_SHARE}"
            )
    return value


def shares_of_text(text: str) -> dict[str, float]:
    """The shares of the groups, as people write them. Raises QueryError.

    >>> shares_of_text("a=90,b=10")
    {'a': 90.0, 'b': 10.0}
    """
    found = {}
    for each in filter(None, text.split(",")):
        name, _, share = each.rpartition("=")
        try:
            found[name] = float(share)
        except ValueError as error:
            raise QueryError(
                "#/shares", f'"{each[:100]}" is not a share; write them like a=90,b=10'
            ) from error
    return found


def shares_as_text(shares: Mapping[str, float]) -> str:
    """
    >>> shares_as_text({"a": 90.0, "b": 0.5})
    'a=90,b=0.5'
    """
    return ",".join(f"{name}={share:.12g}" for name, share in shares.items())


def _is_running(asked: Range, now: datetime) -> bool:
    """Whether a range is not over, so that looking again gives other figures."""
    if asked.end is not None:
        return now < asked.end
    return now.astimezone(ZoneInfo(asked.timezone)).date() <= asked.last


def groups_of(asked: Experiment, sources: LakeState, session: Session) -> Groups:
    """The visitors of each group, from the hits. Raises as Database.session."""
    days = runs(days_of(asked.query.range))
    is_large = sources.hits_about(days) >= session.max_rows // SMALL
    visitors: Counter[object] = Counter()
    conversions: Counter[object] = Counter()
    with session.large() if is_large else nullcontext():
        for part in _slices(days, sources, session.max_rows):
            hits = part.of(sources.hits_of(part.days))
            # One too many tells that there are too many; visitors in several are one.
            statement = groups_statement(
                asked.query,
                part.days,
                asked.goal,
                hits,
                MOST_GROUPS + 2,
                sources.reader.sql,
            )
            for name, number, reached in session.rows(statement):
                visitors[name] += int(str(number))
                conversions[name] += int(str(reached))
    in_several = visitors.pop(None, 0)
    found = {
        str(name): Proportion(conversions[name], number)
        for name, number in visitors.items()
    }
    return Groups(found, in_several)


def _slices(days: tuple[Days, ...], sources: LakeState, most: int) -> list[Slice]:
    """The hits of these days in slices of about this many rows at most."""
    rows = {
        day: sources.hits_about((Days(day, day),))
        for run in days
        for day in days_between(run)
    }
    return slices(rows, days, most)
