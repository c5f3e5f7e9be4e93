"""How a question's visitors and visits are counted: by the cheapest exact way. Pure.

Rows carry what lets them be summed (`arrival`, `step`, …); where a sum would count
somebody twice, distinct values are counted.

    visitors
      ARRIVALS              all that is asked is fixed for a visitor's day
                            → each visitor's first hit
      ARRIVALS_AND_RETURNS  grouped by what is fixed for a visit
                            → the same, and who has several visits once in each group
      DISTINCT              events within visits match, or groups divide visits
                            → distinct (day, visitor)
    visits
      FIRST_STEPS           no dimension is an attribute of an event
                            → each visit's first hit, as a measure of whole visits
      DISTINCT              → distinct (day, visitor, visit)
    measures of whole visits
      MATCHED               whole visits match, and events are grouped as their visits
                            → from the rows that matched
      CHOSEN                → from all rows of the visits that are counted

NONE where nothing of the kind is asked; for ARRIVALS, with or without returns, whole
visits must match: the range cuts no day, and the filter asks for nothing that differs
within a visit. Of each the first that holds is taken.
"""

from __future__ import annotations

from enum import Enum, auto

import msgspec

from page_tracker.query.buckets import SECONDS
from page_tracker.query.catalog import ENTRY_OF, GOAL, dimension
from page_tracker.query.query import (
    Query,
    all_leaves,
    asks_of_events,
    event_dimensions,
    measures_of,
)

# Measures of visits as a whole, wherever in them the matching event is.
OF_WHOLE_VISITS = frozenset({"entered", "entered_views", "since", "landed", "bounces"})
# Buckets of time that no visit is in two of.
WHOLE_DAYS = frozenset({"time:day", "time:week", "time:month"})


class Visitors(Enum):
    """How visitors are counted."""

    NONE = auto()
    ARRIVALS = auto()
    ARRIVALS_AND_RETURNS = auto()
    DISTINCT = auto()


class Visits(Enum):
    """How visits are counted."""

    NONE = auto()
    FIRST_STEPS = auto()
    DISTINCT = auto()


class WholeVisits(Enum):
    """The rows that measures of whole visits are summed over."""

    NONE = auto()
    MATCHED = auto()
    CHOSEN = auto()


class Strategies(msgspec.Struct, frozen=True):
    """How each of the three is counted."""

    visitors: Visitors
    visits: Visits
    whole_visits: WholeVisits


def strategies(query: Query) -> Strategies:
    """How a query's visitors, visits and measures of whole visits are counted."""
    needed, matches_visits = set(measures_of(query)), _matches_whole_visits(query)
    visits = Visits.NONE
    if "visits" in needed:
        is_of_events = bool(event_dimensions(query))
        visits = Visits.DISTINCT if is_of_events else Visits.FIRST_STEPS
    whole_visits = WholeVisits.NONE
    if needed & OF_WHOLE_VISITS or visits is Visits.FIRST_STEPS:
        is_alike = matches_visits and _groups_events_as_visits(query)
        whole_visits = WholeVisits.MATCHED if is_alike else WholeVisits.CHOSEN
    visitors = Visitors.NONE
    if "visitors" in needed:
        visitors = _visitors(query) if matches_visits else Visitors.DISTINCT
    return Strategies(visitors, visits, whole_visits)


def _visitors(query: Query) -> Visitors:
    """How visitors are counted where whole visits match."""
    grouped = [name for name in query.dimensions if name not in WHOLE_DAYS]
    if not all(dimension(name).scope == "visit" for name in grouped):
        return Visitors.DISTINCT
    filtered = [leaf.dimension for leaf in all_leaves(query.filter)]
    if all(dimension(name).fixed for name in [*grouped, *filtered]):
        return Visitors.ARRIVALS
    return Visitors.ARRIVALS_AND_RETURNS


def _matches_whole_visits(query: Query) -> bool:
    """Whether visits match with all their events, or not at all."""
    return (
        query.range.start is None
        and not asks_of_events(query.filter)
        and GOAL not in query.dimensions
    )


def _groups_events_as_visits(query: Query) -> bool:
    """Whether each event is in its visit's group: where that began, and entered."""
    return not any(name in ENTRY_OF or name in SECONDS for name in query.dimensions)
