"""What questions mean, said once more: plain Python over plain rows.

Written from the definitions in docs/reference/metrics.md, not from the SQL; as slow
as obvious.
A row is a dict of the columns of the table `hits`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from naive_filters import (
    about,
    less_goals,
    mentions_conversion,
    names_goal,
    only_about,
    page_fits,
    together,
)
from page_tracker.query.query import And, Filter, HasDone, Leaf, Not, Or, Query
from page_tracker.sites.goal import Goal

Row = dict[str, Any]
Key = tuple[str, ...]

COLUMNS = {
    "event:page": "path",
    "event:hostname": "hostname",
    "event:name": "name",
    "visit:entry_page": "entry_path",
    "visit:entry_page_hostname": "entry_hostname",
    "visit:region_name": "region",
    "visit:city_name": "city",
}
COUNTRIES = {"DE": "Germany", "FR": "France"}  # of those that are drawn
NO_LABEL = {"visit:exit_page", "visit:exit_page_hostname"}
# Where a visit came from, and where it went, is asked of one host.
HOST_BESIDE = {
    "visit:exit_page": "visit:exit_page_hostname",
    "visit:entry_page": "visit:entry_page_hostname",
    "visit:source": "visit:entry_page_hostname",
    "visit:channel": "visit:entry_page_hostname",
    "visit:referrer": "visit:entry_page_hostname",
    "visit:utm_source": "visit:entry_page_hostname",
    "visit:utm_medium": "visit:entry_page_hostname",
    "visit:utm_campaign": "visit:entry_page_hostname",
    "visit:utm_content": "visit:entry_page_hostname",
    "visit:utm_term": "visit:entry_page_hostname",
}
LABELS = {
    "visit:source": "Direct / None",
    "visit:referrer": "Direct / None",
    "visit:channel": "Direct",
}


def rounded(share: float | Decimal, digits: int = 0) -> float:
    step = Decimal(1).scaleb(-digits)
    return float(Decimal(share).quantize(step, ROUND_HALF_UP))


class Naive:
    """All that can be asked of some rows."""

    def __init__(self, query: Query, rows: Iterable[Row]) -> None:
        self.query = query
        asked = query.range
        self.rows = [
            row
            for row in rows
            if row["site"] == query.site and asked.first <= row["day"] <= asked.last
        ]
        self.visits: dict[tuple[date, int], list[Row]] = {}
        for row in self.rows:
            if row["step"] > 0:
                self.visits.setdefault((row["day"], row["visit"]), []).append(row)

    # Attributes

    def value(self, row: Row, name: str) -> str:
        """A dimension's value for a row, '' for none."""
        if name.startswith("event:props:"):
            return str(row["props"].get(name.removeprefix("event:props:"), ""))
        if name in ("visit:exit_page", "visit:exit_page_hostname"):
            visit = self.visits.get((row["day"], row["visit"]), [])
            views = [each for each in visit if each["view"] > 0]
            if not views:
                return ""
            last = max(views, key=lambda each: int(each["view"]))
            return str(last["path" if name == "visit:exit_page" else "hostname"])
        if name == "visit:country_name":
            return COUNTRIES.get(row["country"], "")
        return str(row[COLUMNS.get(name, name.partition(":")[2])])

    def labelled(self, row: Row, name: str) -> str:
        value = self.value(row, name)
        if value or name in NO_LABEL:
            return value
        if name.startswith("event:props:"):
            return "(none)"
        return LABELS.get(name, "(not set)")

    def bucket(self, name: str, day: date, instant: datetime) -> str:
        if name == "time:day":
            return day.isoformat()
        if name == "time:week":
            while day.weekday() and day > self.query.range.first:
                day -= timedelta(days=1)
            return day.isoformat()
        if name == "time:month":
            return day.replace(day=1).isoformat()
        local = instant.astimezone(ZoneInfo(self.query.range.timezone))
        shape = "%Y-%m-%d %H:00:00" if name == "time:hour" else "%Y-%m-%d %H:%M:00"
        # The clock shows this time for the second time.
        again = local.isoformat()[-6:] if local.fold else ""
        return local.strftime(shape) + again

    # Filters

    def reaches(self, row: Row, goal: Goal) -> bool:
        if goal.event and row["name"] != goal.event:
            return False
        if goal.page and (row["view"] == 0 or not page_fits(row["path"], goal.page)):
            return False
        return all(row["props"].get(key) == value for key, value in goal.props)

    def holds(self, part: Filter, row: Row) -> bool:
        match part:
            case And(parts):
                return all(self.holds(each, row) for each in parts)
            case Or(parts):
                return any(self.holds(each, row) for each in parts)
            case Not(inner):
                return not self.holds(inner, row)
            case HasDone(inner):
                visit = self.visits[row["day"], row["visit"]]
                return any(self.holds(inner, each) for each in visit)
            case Leaf():
                return self.leaf_holds(part, row)

    def leaf_holds(self, leaf: Leaf, row: Row) -> bool:
        def fold(text: str) -> str:
            return text if leaf.case_sensitive else text.lower()

        if leaf.dimension == "event:goal":
            return any(
                self.reaches(row, goal)
                for goal in self.query.goals
                if names_goal(leaf, goal)
            )
        plain, told = self.value(row, leaf.dimension), self.labelled(
            row, leaf.dimension
        )
        tests: dict[str, Callable[[str], bool]] = {
            "is": lambda value: fold(value) in (fold(plain), fold(told)),
            "contains": lambda value: fold(value) in fold(plain),
            "matches": lambda value: re.search(value, plain) is not None,
        }
        kind = leaf.operator.removesuffix("_not")
        found = any(tests[kind](value) for value in leaf.values)
        if kind == leaf.operator:
            return found
        # What has no property has none that is another, but for `is_not`.
        is_property = leaf.dimension.startswith("event:props:")
        return not found and bool(plain or kind == "is" or not is_property)

    def within(self, instant: datetime) -> bool:
        asked = self.query.range
        if asked.start is None or asked.end is None:
            return True
        return asked.start <= instant < asked.end

    # Groups

    def matched(self, part: Filter) -> list[Row]:
        return [
            row
            for row in self.rows
            if row["step"] > 0
            and self.within(row["time"])
            and self.holds(part, row)
            and self.is_of_host(row)
        ]

    def is_of_host(self, row: Row) -> bool:
        """Whether filters by host hold for the host that visits are told of, too."""
        return all(
            self.holds(about(part, HOST_BESIDE[name]), row)
            for name in self.query.dimensions
            if name in HOST_BESIDE
            for part in only_about(self.query.filter, "event:hostname")
        )

    def keys(self, row: Row, entered: bool = False) -> list[Key]:
        """The groups that a row is in: several where it reaches several goals."""
        instant = row["time"]
        if entered:
            instant -= timedelta(milliseconds=row["elapsed"])
        found: list[list[str]] = [[]]
        for name in self.query.dimensions:
            if name == "event:goal":
                goals = [
                    goal.name for goal in self.told_goals() if self.reaches(row, goal)
                ]
                found = [[*key, goal] for key in found for goal in goals]
                continue
            if name.startswith("time:"):
                value = self.bucket(name, row["day"], instant)
            elif entered and name == "event:page":
                value = row["entry_path"] or "(not set)"
            elif entered and name == "event:hostname":
                value = row["entry_hostname"] or "(not set)"
            else:
                value = self.labelled(row, name)
            if name in NO_LABEL and not value:
                return []
            found = [[*key, value] for key in found]
        return [tuple(key) for key in found]

    def told_goals(self) -> list[Goal]:
        leaves = [
            part
            for part in together(self.query.filter)
            if isinstance(part, Leaf) and part.dimension == "event:goal"
        ]
        return [
            goal
            for goal in self.query.goals
            if all(names_goal(leaf, goal) for leaf in leaves)
        ]

    def answer(self) -> dict[Key, list[float | None]]:
        """Each group's metrics."""
        groups: dict[Key, list[Row]] = {}
        if not self.query.dimensions:
            groups[()] = []
        for row in self.matched(self.query.filter):
            for key in self.keys(row):
                groups.setdefault(key, []).append(row)
        return {
            key: [self.metric(name, key, rows) for name in self.query.metrics]
            for key, rows in groups.items()
        }

    def entered(self, key: Key) -> list[list[Row]]:
        """The visits that are counted in a group: they began in the range."""
        has_event = {
            (row["day"], row["visit"]) for row in self.matched(self.query.filter)
        }
        found = []
        for visit, rows in self.visits.items():
            first = min(rows, key=lambda row: int(row["step"]))
            if visit not in has_event or not self.within(first["time"]):
                continue
            if key in self.keys(first, entered=True):
                found.append(rows)
        return found

    def metric(  # pylint: disable=too-many-return-statements  # a list of metrics
        self, name: str, key: Key, rows: list[Row]
    ) -> float | None:
        visitors = len({(row["day"], row["visitor"]) for row in rows})
        if name == "visitors":
            return visitors
        if name == "pageviews":
            return len([row for row in rows if row["view"] > 0])
        if name == "events":
            return len(rows)
        if name == "visits" and any(
            each.startswith("event:") for each in self.query.dimensions
        ):
            return len({(row["day"], row["visit"]) for row in rows})
        if name in ("visits", "views_per_visit", "bounce_rate", "visit_duration"):
            return self.of_visits(name, self.entered(key))
        if name in ("scroll_depth", "time_on_page"):
            return self.of_engagement(name, key)
        if name in ("total_revenue", "average_revenue"):
            return self.revenue(name, key, rows)
        return self.share(name, key, visitors)

    def of_visits(self, name: str, visits: list[list[Row]]) -> float:
        if name == "visits":
            return len(visits)
        if not visits:
            return 0
        if name == "views_per_visit":
            views = sum(row["view"] > 0 for rows in visits for row in rows)
            return rounded(Decimal(views) / len(visits), 2)
        if name == "bounce_rate":
            visits = [rows for rows in visits if self.landed(rows)]
            if not visits:
                return 0
            bounces = sum(
                max(row["interaction"] for row in rows) < 2 for rows in visits
            )
            return rounded(Decimal(100 * bounces) / len(visits))
        since = sum(row["since"] for rows in visits for row in rows)
        return rounded(Decimal(since) / 1000 / len(visits))

    def landed(self, rows: list[Row]) -> bool:
        """Whether a visit entered at a page that filters by page select."""
        first = min(rows, key=lambda row: int(row["step"]))
        return all(
            self.holds(about(part, "visit:entry_page"), first)
            for part in only_about(self.query.filter, "event:page")
        )

    def of_engagement(self, name: str, key: Key) -> float | None:
        seen: dict[tuple[date, int, str], list[Row]] = {}
        for row in self.matched(self.query.filter):
            seen.setdefault((row["day"], row["visit"], row["path"]), []).append(row)
        column = "scroll" if name == "scroll_depth" else "engaged"
        found: dict[tuple[date, int], list[int]] = {}
        for row in self.rows:
            if row["step"] != 0 or not self.within(row["time"]):
                continue
            if row[column] is None:
                continue
            # It is told as the page's own events are that it belongs to.
            own = [
                row | {what: each[what] for what in ("name", "props", "view")}
                for each in seen.get((row["day"], row["visit"], row["path"]), [])
            ]
            if any(key in self.keys(each) for each in own):
                found.setdefault((row["day"], row["visit"]), []).append(row[column])
        if not found:
            return None
        if name == "scroll_depth":
            return rounded(
                Decimal(sum(max(each) for each in found.values())) / len(found)
            )
        total = sum(sum(each) for each in found.values())
        return rounded(Decimal(total) / 1000 / len(found))

    def revenue(self, name: str, key: Key, rows: list[Row]) -> float | None:
        goals = self.told_goals()
        if "event:goal" in self.query.dimensions:
            told = key[self.query.dimensions.index("event:goal")]
            goals = [goal for goal in goals if goal.name == told]
        currencies = {goal.currency for goal in goals if goal.currency}
        if len(currencies) != 1:
            return None
        paid = [
            row["revenue"]
            for row in rows
            if row["currency"] in currencies and row["revenue"] is not None
        ]
        if name == "total_revenue":
            return float(sum(paid)) / 1000
        return rounded(Decimal(sum(paid)) / len(paid)) / 1000 if paid else None

    def share(self, name: str, key: Key, visitors: int) -> float:
        part: Filter = self.query.filter
        if name != "percentage":
            part = And(
                tuple(
                    each
                    for each in together(self.query.filter)
                    if not mentions_conversion(each)
                )
            )
        whole = self.matched(part)
        if name == "group_conversion_rate":
            kept = [
                index
                for index, each in enumerate(self.query.dimensions)
                if each != "event:goal"
            ]
            plain = Naive(less_goals(self.query), self.rows)
            whole = [
                row
                for row in whole
                if tuple(key[index] for index in kept) in plain.keys(row)
            ]
        total = len({(row["day"], row["visitor"]) for row in whole})
        return rounded(Decimal(100 * visitors) / total, 2) if total else 0
