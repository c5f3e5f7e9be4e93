"""The closed tables of the query language: dimensions, measures, metrics, operators.

Names and meanings are those of Plausible's Stats API v2. To add one is to add a row
here. Pure: formulas are SQL over the sums of measures.

A *measure* is a number that adds up over parts (days, day tables and hits); a
*metric* is what people ask for, a formula over measures.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from page_tracker.query.dialect import Comparison, Dialect

Scope = Literal["event", "visit", "time"]

NOT_SET = "(not set)"


class Dimension(msgspec.Struct, frozen=True):
    """One dimension: the column that has its value, and its label where empty.

    `is_country` where the value is the name of the country that the column has.
    `fixed` is true where the value is the same for all hits of a visitor's day, so
    that visitors are a plain sum over arrivals. Without a label (`empty` is None)
    rows that have no value belong to no group.
    """

    scope: Scope
    column: str
    empty: str | None = NOT_SET
    fixed: bool = False
    is_country: bool = False


def _visit(column: str, empty: str | None = NOT_SET) -> Dimension:
    return Dimension("visit", column, empty)


def _fixed(column: str) -> Dimension:
    return Dimension("visit", column, fixed=True)


DIRECT = "Direct / None"
NO_PROPERTY = "(none)"
PROPS_PREFIX = "event:props:"
GOAL = "event:goal"
PAGE = "event:page"

DIMENSIONS: dict[str, Dimension] = {
    GOAL: Dimension("event", "goal"),
    PAGE: Dimension("event", "path"),
    "event:hostname": Dimension("event", "hostname"),
    "event:name": Dimension("event", "name"),
    "visit:entry_page": _visit("entry_path"),
    "visit:entry_page_hostname": _visit("entry_hostname"),
    "visit:exit_page": _visit("exit_path", None),
    "visit:exit_page_hostname": _visit("exit_hostname", None),
    "visit:source": _visit("source", DIRECT),
    "visit:channel": _visit("channel", "Direct"),
    "visit:referrer": _visit("referrer", DIRECT),
    "visit:utm_source": _visit("utm_source"),
    "visit:utm_medium": _visit("utm_medium"),
    "visit:utm_campaign": _visit("utm_campaign"),
    "visit:utm_content": _visit("utm_content"),
    "visit:utm_term": _visit("utm_term"),
    "visit:device": _fixed("device"),
    "visit:screen": _visit("screen"),
    "visit:browser": _fixed("browser"),
    "visit:browser_version": _fixed("browser_version"),
    "visit:os": _fixed("os"),
    "visit:os_version": _fixed("os_version"),
    "visit:country": _fixed("country"),
    "visit:region": _fixed("region"),
    "visit:city": _fixed("city"),
    "visit:country_name": Dimension("visit", "country", fixed=True, is_country=True),
    "visit:region_name": _fixed("region"),
    "visit:city_name": _fixed("city"),
}

TIME_BUCKETS: dict[str, str] = {
    "time:minute": "minute",
    "time:hour": "hour",
    "time:day": "day",
    "time:week": "week",
    "time:month": "month",
}

EXIT_DIMENSIONS = frozenset({"visit:exit_page", "visit:exit_page_hostname"})

# Grouped by these, measures of visits count the visits that entered there.
ENTRY_OF: dict[str, str] = {
    PAGE: "visit:entry_page",
    "event:hostname": "visit:entry_page_hostname",
}
# For each of these, the host dimension to which a filter by host also applies.
HOST_OF: dict[str, str] = {
    **dict.fromkeys(
        [
            *("visit:source", "visit:channel", "visit:referrer", "visit:entry_page"),
            *("visit:utm_source", "visit:utm_medium", "visit:utm_campaign"),
            *("visit:utm_content", "visit:utm_term"),
        ],
        "visit:entry_page_hostname",
    ),
    "visit:exit_page": "visit:exit_page_hostname",
}

# Used only to close days, for all sites at once: not part of the query language.
SITE = "site"


def dimension(name: str) -> Dimension:
    """The dimension with that name, which may be a property.

    Raises KeyError if there is none.
    """
    if name.startswith(PROPS_PREFIX) and len(name) > len(PROPS_PREFIX):
        return Dimension("event", "", NO_PROPERTY)
    if name in TIME_BUCKETS:
        return Dimension("time", "")
    if name == SITE:
        return Dimension("visit", "of_site", None, fixed=True)
    return DIMENSIONS[name]


MetricType = Literal["integer", "float", "money"]


class Metric(msgspec.Struct, frozen=True):
    """One metric: its formula over measures, and what it needs to make sense.

    Rounded to so many `digits` after the point, where that is given.
    """

    formula: str
    measures: tuple[str, ...]
    type: MetricType = "integer"
    needs: Literal["", "dimension", "goal", "page"] = ""
    of_visits: bool = False
    digits: int | None = None

    @property
    def counts(self) -> bool:
        """Whether it is a count, which is 0 if there is nothing to count."""
        return self.formula in self.measures

    def value(self, sql: Dialect) -> str:
        """The SQL of its value, over the sums of its measures."""
        if self.digits is None:
            return self.formula
        return sql.rounded(self.formula, self.digits)


METRICS: dict[str, Metric] = {
    "visitors": Metric("visitors", ("visitors",)),
    "visits": Metric("visits", ("visits",)),
    "pageviews": Metric("views", ("views",)),
    "views_per_visit": Metric(
        "entered_views / nullif(entered, 0)",
        ("entered", "entered_views"),
        "float",
        of_visits=True,
        digits=2,
    ),
    "bounce_rate": Metric(
        "100 * bounces / nullif(landed, 0)",
        ("landed", "bounces"),
        of_visits=True,
        digits=0,
    ),
    "visit_duration": Metric(
        "since / 1000 / nullif(entered, 0)",
        ("entered", "since"),
        of_visits=True,
        digits=0,
    ),
    "events": Metric("events", ("events",)),
    "percentage": Metric(
        "100 * visitors / nullif(all_visitors, 0)",
        ("visitors", "all_visitors"),
        "float",
        needs="dimension",
        digits=2,
    ),
    "conversion_rate": Metric(
        "100 * visitors / nullif(reached_visitors, 0)",
        ("visitors", "reached_visitors"),
        "float",
        needs="goal",
        digits=2,
    ),
    "group_conversion_rate": Metric(
        "100 * visitors / nullif(group_visitors, 0)",
        ("visitors", "group_visitors"),
        "float",
        needs="goal",
        digits=2,
    ),
    "scroll_depth": Metric(
        "scroll / nullif(scrolled, 0)", ("scroll", "scrolled"), needs="page", digits=0
    ),
    "time_on_page": Metric(
        "engaged / 1000 / nullif(engaged_visits, 0)",
        ("engaged", "engaged_visits"),
        needs="page",
        digits=0,
    ),
    "total_revenue": Metric("revenue", ("revenue",), "money", needs="goal"),
    "average_revenue": Metric(
        "revenue / nullif(paid, 0)",
        ("revenue", "paid"),
        "money",
        needs="goal",
        digits=0,
    ),
}

# Metrics that are 0, not null, if there were no hits.
ZERO_WHERE_EMPTY = frozenset(
    {"views_per_visit", "bounce_rate", "visit_duration", "percentage"}
    | {"conversion_rate", "group_conversion_rate"}
)


class Operator(msgspec.Struct, frozen=True):
    """One operator: how a value is compared, whether it negates, whether case counts.

    The values of a leaf are joined by OR, and the whole is negated where `negated`.
    """

    how: Comparison
    negated: bool = False
    has_case: bool = True

    @property
    def is_exact(self) -> bool:
        """Whether it compares with a whole value, or its label."""
        return self.how == "equals"


OPERATORS: dict[str, Operator] = {
    "is": Operator("equals"),
    "is_not": Operator("equals", negated=True),
    "contains": Operator("contains"),
    "contains_not": Operator("contains", negated=True),
    "matches": Operator("matches", has_case=False),
    "matches_not": Operator("matches", negated=True, has_case=False),
}

GOAL_OPERATORS = frozenset({"is", "contains"})
