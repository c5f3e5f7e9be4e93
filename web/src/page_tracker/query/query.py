"""A question, validated and immutable: what JSON, command line and pages all become."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

import msgspec
from msgspec.structs import replace

from page_tracker.query.catalog import GOAL, HOST_OF, METRICS, PROPS_PREFIX, dimension
from page_tracker.sites.goal import Goal


class Leaf(msgspec.Struct, frozen=True, tag=True):
    """`dimension` compared with any of `values`."""

    operator: str
    dimension: str
    values: tuple[str, ...]
    case_sensitive: bool = True

    @property
    def of_event(self) -> bool:
        """Whether it filters by an attribute of an event rather than of a visit."""
        return dimension(self.dimension).scope == "event"


class And(msgspec.Struct, frozen=True, tag=True):
    """All hold; with no parts it holds."""

    parts: tuple[Filter, ...]


class Or(msgspec.Struct, frozen=True, tag=True):
    """At least one holds."""

    parts: tuple[Filter, ...]


class Not(msgspec.Struct, frozen=True, tag=True):
    """The part does not hold."""

    part: Filter


class HasDone(msgspec.Struct, frozen=True, tag=True):
    """Some event of the same visit fulfils the part."""

    part: Filter


# Their tags tell them apart where a question is sent to another process.
Filter = Leaf | And | Or | Not | HasDone


class Range(msgspec.Struct, frozen=True):
    """The days that are asked for, both ends included, in the site's time zone.

    `start` and `end` (exclusive) are set where the range cuts a day.
    """

    first: date
    last: date
    timezone: str
    start: datetime | None = None
    end: datetime | None = None


class Comparison(msgspec.Struct, frozen=True):
    """The range that a question's answer is compared with."""

    range: Range


class Query(msgspec.Struct, frozen=True):
    """One question about one site. `order` holds (metric or dimension, descending).

    `written` is the JSON of its filters as its asker wrote them.
    """

    site: str
    metrics: tuple[str, ...]
    range: Range
    dimensions: tuple[str, ...] = ()
    filter: And = msgspec.field(default_factory=lambda: And(()))
    order: tuple[tuple[str, bool], ...] = ()
    limit: int = 10_000
    offset: int = 0
    goals: tuple[Goal, ...] = ()
    time_labels: bool = False
    total_rows: bool = False
    imports: bool = False
    comparison: Comparison | None = None
    written: str = "[]"


def leaves(part: Filter) -> tuple[Leaf, ...]:
    """All leaves of a filter that apply to one and the same event."""
    match part:
        case Leaf():
            return (part,)
        case And(parts) | Or(parts):
            return tuple(leaf for each in parts for leaf in leaves(each))
        case Not(inner):
            return leaves(inner)
        case HasDone():
            return ()


def asks_of_events(part: Filter) -> bool:
    """Whether a filter selects events within visits rather than whole visits."""
    return any(leaf.of_event for leaf in leaves(part))


def without_what_always_holds(part: And) -> And:
    """A filter without the patterns that every page matches.

    Questions about reading must filter by page, and may mean all pages.
    """
    return And(tuple(each for each in part.parts if not _is_any_page(each)))


def _is_any_page(part: Filter) -> bool:
    return (
        isinstance(part, Leaf)
        and part.dimension == "event:page"
        and part.operator in ("contains", "matches")
        and "" in part.values
    )


def conjuncts(part: Filter) -> tuple[Filter, ...]:
    """The filters that a filter joins by `and`: all of them must hold.

    A segment, or an `and`, means the same as its filters written separately.
    """
    match part:
        case And(parts):
            return tuple(each for inner in parts for each in conjuncts(inner))
        case Or((only,)):
            return conjuncts(only)
        case _:
            return (part,)


def without_conversions(part: And) -> And:
    """The filter without goals and properties: the whole of a conversion rate."""
    return And(
        tuple(
            each
            for each in conjuncts(part)
            if not any(
                leaf.dimension == GOAL or property_key(leaf.dimension)
                for leaf in leaves(each)
            )
        )
    )


def all_about(part: And, name: str) -> tuple[Filter, ...]:
    """Those of the filters that must all hold that ask for this dimension alone."""
    return tuple(
        each
        for each in conjuncts(part)
        if {leaf.dimension for leaf in all_leaves(each)} == {name}
        and leaves(each) == all_leaves(each)
    )


def renamed(part: Filter, name: str) -> Filter:
    """The same filter of another dimension, all of whose leaves have the same one."""
    match part:
        case Leaf():
            return replace(part, dimension=name)
        case And(parts):
            return And(tuple(renamed(each, name) for each in parts))
        case Or(parts):
            return Or(tuple(renamed(each, name) for each in parts))
        case Not(inner):
            return Not(renamed(inner, name))
        case HasDone(inner):
            return HasDone(renamed(inner, name))


def with_hosts(query: Query) -> Query:
    """The query, in which a filter by host holds for the visit's dimensions too.

    Where a visit came from belongs to the host that it entered at, and where it left
    to the host that it left from.
    """
    wanted = dict.fromkeys(
        HOST_OF[name] for name in query.dimensions if name in HOST_OF
    )
    more = tuple(
        renamed(part, host)
        for host in wanted
        for part in all_about(query.filter, "event:hostname")
    )
    return replace(query, filter=And((*query.filter.parts, *more))) if more else query


def uses(query: Query, names: frozenset[str]) -> bool:
    """Whether any of those dimensions is grouped by or filtered on."""
    return bool(names & set(query.dimensions)) or any(
        leaf.dimension in names for leaf in all_leaves(query.filter)
    )


def all_leaves(part: Filter) -> tuple[Leaf, ...]:
    """All leaves of a filter, including those about other events of the visit."""
    match part:
        case Leaf():
            return (part,)
        case And(parts) | Or(parts):
            return tuple(leaf for each in parts for leaf in all_leaves(each))
        case Not(inner) | HasDone(inner):
            return all_leaves(inner)


def event_dimensions(query: Query) -> tuple[str, ...]:
    """The query's dimensions that are attributes of an event."""
    return tuple(name for name in query.dimensions if dimension(name).scope == "event")


def property_key(name: str) -> str | None:
    """`KEY` of the dimension `event:props:KEY`, else None."""
    return name.removeprefix(PROPS_PREFIX) if name.startswith(PROPS_PREFIX) else None


def measures_of(query: Query) -> tuple[str, ...]:
    """The measures that the query's metrics need, each once, in a stable order."""
    found = dict.fromkeys(
        measure for metric in query.metrics for measure in METRICS[metric].measures
    )
    return tuple(found)


def currency(query: Query, dimensions: Sequence[str] = ()) -> str:
    """The currency of a query's revenue, for the row of these dimensions.

    By goals it is each goal's own; else the one currency of the goals that are counted;
    '' where there is none, or several, or no revenue is asked about.
    """
    if not any(METRICS[name].type == "money" for name in query.metrics):
        return ""
    goals = counted_goals(query)
    if GOAL in query.dimensions and dimensions:
        name = dimensions[query.dimensions.index(GOAL)]
        goals = tuple(goal for goal in goals if goal.name == name)
    found = currencies(goals)
    return found[0] if len(found) == 1 else ""


def currencies(goals: Iterable[Goal]) -> list[str]:
    """The currencies that goals have, each once."""
    return sorted({goal.currency for goal in goals if goal.currency})


def counted_goals(query: Query) -> tuple[Goal, ...]:
    """The goals that are counted: those that the filter requires, else all."""
    found = query.goals
    for part in conjuncts(query.filter):
        if isinstance(part, Leaf) and part.dimension == GOAL:
            chosen = goals_named(part, query.goals)
            found = tuple(goal for goal in found if goal in chosen)
    return found


def goals_named(leaf: Leaf, goals: tuple[Goal, ...]) -> tuple[Goal, ...]:
    """The goals that a leaf of `event:goal` selects by name."""

    def fold(text: str) -> str:
        return text if leaf.case_sensitive else text.lower()

    wanted = [fold(value) for value in leaf.values]
    if leaf.operator == "contains":
        return tuple(
            goal for goal in goals if any(each in fold(goal.name) for each in wanted)
        )
    return tuple(goal for goal in goals if fold(goal.name) in wanted)
