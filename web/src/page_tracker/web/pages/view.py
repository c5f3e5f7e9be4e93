"""What a page shows, and how its address expresses it. Pure.

    /example.org?period=28d&metric=visitors&f=is~country~DE|FR  ⇄  View

The grammar is public: bookmarks and other programs have such addresses. Parts of an
address that are invalid are reported, never ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from page_tracker.query.catalog import TIME_BUCKETS
from page_tracker.query.problem import QueryError, nearest
from page_tracker.query.typed_filters import short_name
from page_tracker.web.pages.address_filter import Condition, condition_of, text_of
from page_tracker.web.pages.panels import PANELS, tab_of

# The figures, each of which can be charted.
CHARTED = (
    *("visitors", "visits", "pageviews", "views_per_visit", "bounce_rate"),
    *("visit_duration", "scroll_depth", "time_on_page"),
)
INTERVALS = tuple(short_name(name) for name in TIME_BUCKETS)
COMPARISONS = ("previous", "year", "none")
LONGEST = 2_000  # characters of one part
# What a query string may contain unescaped.
_PLAIN = "/:,~|!$'()*;@"


class View(msgspec.Struct, frozen=True):
    """What a page shows; parts that an address leaves out have the values here.

    `by` is '' if the range decides the interval; `is_any`: one filter is enough.
    `tabs` has the tab of each panel that does not show its first. `search`, `sort` and
    `page` belong to a panel's full list, `has_common_scale` to the list of all sites,
    `groups`, `goal`, `control` and `shares` to an experiment.
    """

    period: str = "28d"
    compare: str = "previous"
    weekdays: bool = False
    metric: str = "visitors"
    by: str = ""
    is_any: bool = False
    filters: tuple[Condition, ...] = ()
    tabs: tuple[tuple[str, str], ...] = ()
    search: str = ""
    sort: str = ""
    page: int = 1
    has_common_scale: bool = False
    groups: str = ""
    goal: str = ""
    control: str = ""
    shares: str = ""

    def with_filter(self, condition: Condition) -> View:
        """The view with this filter added."""
        known = condition in self.filters
        return replace(self, filters=(*self.filters, *(() if known else (condition,))))

    def without_filter(self, condition: Condition) -> View:
        kept = tuple(each for each in self.filters if each != condition)
        return replace(self, filters=kept)

    def with_tab(self, panel: str, tab: str) -> View:
        kept = tuple(each for each in self.tabs if each[0] != panel)
        is_first = tab == PANELS[panel].tabs[0].name
        return replace(self, tabs=kept if is_first else (*kept, (panel, tab)))

    def tab(self, panel: str) -> str:
        """The name of the tab that a panel shows."""
        return dict(self.tabs).get(panel, PANELS[panel].tabs[0].name)

    def of_page(self) -> View:
        """The same without the parts for lists."""
        return replace(self, search="", sort="", page=1, has_common_scale=False)


class _Part(msgspec.Struct, frozen=True):
    """A part of an address: the field that it sets, how it is parsed and written."""

    field: str
    parse: Callable[[str], Any]
    write: Callable[[Any], str] = str


def _one_of(*known: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in known:
            raise ValueError(f"there is no such value{nearest(text, known)}")
        return text

    return parse


def _comparison(text: str) -> str:
    if text in COMPARISONS or ".." in text:
        return text
    known = ", ".join(COMPARISONS)
    raise ValueError(f"write {known} or two days, like 2026-01-01..2026-01-31")


def _flag(word: str, other: str) -> Callable[[str], bool]:
    def parse(text: str) -> bool:
        if text not in (word, other):
            raise ValueError(f"write {word} or {other}")
        return text == word

    return parse


def _number(text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,5}", text):
        raise ValueError("is no page's number; write 1 or more")
    return int(text)


PARTS: dict[str, _Part] = {
    "period": _Part("period", str),
    "compare": _Part("compare", _comparison),
    "match": _Part("weekdays", _flag("weekday", "date"), lambda _: "weekday"),
    "metric": _Part("metric", _one_of(*CHARTED)),
    "by": _Part("by", _one_of(*INTERVALS)),
    "filters": _Part("is_any", _flag("any", "all"), lambda _: "any"),
    "search": _Part("search", str),
    "sort": _Part("sort", str),
    "page": _Part("page", _number),
    "scale": _Part("has_common_scale", _flag("common", "own"), lambda _: "common"),
    "groups": _Part("groups", str),
    "goal": _Part("goal", str),
    "control": _Part("control", str),
    "shares": _Part("shares", str),
}


class _Reader(msgspec.Struct):
    view: View = msgspec.field(default_factory=View)
    problems: list[str] = msgspec.field(default_factory=list)

    def read(self, name: str, text: str) -> None:
        try:
            self.view = self._with(name, text)
        except ValueError as error:
            why = error.problem if isinstance(error, QueryError) else str(error)
            self.problems.append(f"{name}={text}: {why}"[:LONGEST])

    def _with(self, name: str, text: str) -> View:
        if len(text) > 10 * LONGEST or (name != "f" and len(text) > LONGEST):
            raise ValueError("is too long")
        if name == "f":
            return self.view.with_filter(condition_of(text))
        if name in PANELS:
            tab = tab_of(PANELS[name], text)
            if tab is None:
                hint = nearest(text, [each.name for each in PANELS[name].tabs])
                raise ValueError(f"there is no such list{hint}")
            return self.view.with_tab(name, text)
        if name not in PARTS:
            known = [*PARTS, "f", *PANELS]
            raise ValueError(f"this means nothing{nearest(name, known)}")
        part = PARTS[name]
        return replace(self.view, **{part.field: part.parse(text)})


def read(pairs: Iterable[tuple[str, str]]) -> tuple[View, tuple[str, ...]]:
    """The view that a query string describes, and what is wrong with each invalid part;
    if a part is repeated, the last one holds."""
    reader = _Reader()
    for name, text in pairs:
        reader.read(name, text)
    return reader.view, tuple(reader.problems)


def written(view: View, **changes: Any) -> str:
    """The query string of a view, with its `?`; '' if all values are the usual ones.

    `changes` are fields to write with other values.
    """
    view, usual = replace(view, **changes), View()
    pairs = [
        (name, part.write(getattr(view, part.field)))
        for name, part in PARTS.items()
        if getattr(view, part.field) != getattr(usual, part.field)
    ]
    pairs += [("f", text_of(condition)) for condition in view.filters]
    pairs += view.tabs
    told = "&".join(f"{name}={quote(text, safe=_PLAIN)}" for name, text in pairs)
    return f"?{told}" if told else ""
