"""Drawn sites, their hits and questions about them: what every answer is held to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from naive import PlainHit, PlainKind, find
from naive_answers import Row
from page_tracker.days import day_number
from page_tracker.lake.table import Lake, append
from page_tracker.query.catalog import DIMENSIONS, METRICS, TIME_BUCKETS
from page_tracker.query.parse import Known, parse
from page_tracker.query.query import Query
from page_tracker.schema import HITS
from page_tracker.sites.goal import Goal

ZONES = (
    *("UTC", "Europe/Berlin", "Asia/Kolkata", "Pacific/Apia", "America/St_Johns"),
    "Australia/Lord_Howe",  # moves its clock by half an hour
)
# Around the changes of daylight saving of the northern and the southern summer.
STARTS = (datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC))
GOALS = (
    Goal(name="Signup", event="signup"),
    Goal(name="Sale", event="buy", props=(("plan", "pro"),), currency="EUR"),
    Goal(name="Gift", event="buy", currency="USD"),
    Goal(name="Docs", page="/docs/**"),
    Goal(name="A folder", page="/*"),
)
WORDS = ("", "a", "B", "ä", "DE", "(not set)", "Direct / None")
PATHS = ("/", "/docs/a", "/docs/b/c", "/buy", "")


KINDS: tuple[PlainKind, ...] = ("view", "view", "event", "quiet", "engagement")
# For what is told of engagements, which must fall on a page that was viewed.
READING: tuple[PlainKind, ...] = ("view", "engagement", "engagement")
MINUTE = 60_000
# Between hits: within an hour, over a full hour, over the end of a visit, half a day.
STEPS = st.one_of(
    st.integers(0, MINUTE),
    st.sampled_from([20 * MINUTE, 29 * MINUTE, 30 * MINUTE, 720 * MINUTE]),
)


@cache
def one_of(*values: Any) -> st.SearchStrategy[Any]:
    """One of the values; made once, which takes longer than to draw from it."""
    return st.sampled_from(values)


HOW_MANY = st.integers(0, 30)
VISITORS = st.integers(0, 3)
TOUCHES = st.tuples(*[st.sampled_from(WORDS)] * 3)
COUNTRIES_OF_VISITORS = ("", "DE", "FR", "DE")
BROWSERS_OF_VISITORS = ("", "Firefox", "Chrome", "Chrome")


@st.composite
def hits_of_a_site(
    draw: st.DrawFn, zone: str, kinds: tuple[PlainKind, ...] = KINDS
) -> list[Row]:
    """Rows as the collector stores them, over some days."""
    now = draw(one_of(*STARTS))
    paths = PATHS if kinds is KINDS else PATHS[:2]
    plain, extras = [], []
    for _ in range(draw(HOW_MANY)):
        now += timedelta(milliseconds=draw(STEPS))
        local = now.astimezone(ZoneInfo(zone)).date()
        visitor = draw(VISITORS)
        kind: PlainKind = draw(one_of(*kinds))
        plain.append(
            PlainHit(
                time=int(now.timestamp() * 1000),
                day=(local - date(1970, 1, 1)).days,
                site="a.org",
                visitor=visitor,
                kind=kind,
                path=draw(one_of(*paths)),
                hostname=draw(one_of("a.org", "b.org")),
                touch=draw(TOUCHES),
            )
        )
        extras.append(
            {"engaged": None, "scroll": None, "revenue": None}
            | draw(EXTRAS[kind])
            | {
                "time": now,
                "day": local,
                "country": COUNTRIES_OF_VISITORS[visitor],
                "browser": BROWSERS_OF_VISITORS[visitor],
            }
        )
    found = find(plain)
    return [
        _row(hit, columns, extra)
        for hit, columns, extra in zip(plain, found, extras, strict=True)
        if columns.fate == "stored"
    ]


def _extra(kind: PlainKind) -> st.SearchStrategy[dict[str, Any]]:
    """What else is known of a hit of a kind."""
    plans: list[dict[str, str]] = [{}, {"plan": "pro"}, {"plan": "a"}]
    others: list[dict[str, str]] = [{}, {"x": "pro"}, {"x": "a"}]
    names = {"view": ["pageview"], "engagement": ["engagement"]}
    common: dict[str, st.SearchStrategy[Any]] = {
        "name": st.sampled_from(names.get(kind, ["signup", "buy"])),
        "props": st.sampled_from(
            [plan | other for plan, other in product(plans, others)]
        ),
        "currency": st.sampled_from(["EUR", "USD"]),
    }
    if kind == "engagement":
        engaged = st.none() | st.integers(0, 5000)
        scrolled = st.none() | st.integers(0, 100)
        return st.fixed_dictionaries(common | {"engaged": engaged, "scroll": scrolled})
    if kind == "view":
        return st.fixed_dictionaries(common)
    paid = st.none() | st.integers(-5000, 90000)
    return st.fixed_dictionaries(common | {"revenue": paid})


EXTRAS = {kind: _extra(kind) for kind in KINDS}


def _row(hit: PlainHit, found: Any, extra: dict[str, Any]) -> Row:
    row: Row = {
        column.name: {"string": "", "map": {}, "bool": False}.get(column.type, 0)
        for column in HITS
    }
    source, channel, campaign = found.touch
    return row | {
        "site": hit.site,
        "hostname": hit.hostname,
        "path": hit.path,
        "visitor": (7 << 32) + found.visitor,
        "visit": (7 << 32) + found.visit,
        "step": found.step,
        "view": found.view,
        "interaction": found.interaction,
        "since": found.since,
        "elapsed": found.elapsed,
        "arrival": found.arrival,
        "previous": found.previous,
        "entry_path": found.entry_path,
        "entry_hostname": found.entry_hostname,
        "source": source,
        "channel": channel,
        "utm_campaign": campaign,
        **extra,
    }


DRAWN_DIMENSIONS = (*DIMENSIONS, "event:props:plan")
OF_EVENTS = tuple(name for name in DRAWN_DIMENSIONS if name.startswith("event:"))
OF_VISITS = tuple(name for name in DRAWN_DIMENSIONS if name.startswith("visit:"))


@st.composite
def filters(draw: st.DrawFn, depth: int = 2) -> list[Any]:
    kinds = ("leaf", "leaf", "leaf", "and", "or", "not", "has_done", "has_not_done")
    kind = draw(one_of(*kinds)) if depth else "leaf"
    if kind in ("and", "or"):
        return [kind, [draw(FILTERS[depth - 1]) for _ in range(draw(one_of(1, 2)))]]
    if kind == "not":
        return [kind, draw(FILTERS[depth - 1])]
    if kind in ("has_done", "has_not_done"):
        return [kind, draw(leaf(OF_EVENTS))]
    return draw(leaf(DRAWN_DIMENSIONS))


# By how deep they are nested at most.
FILTERS = [filters(depth) for depth in range(3)]

# Others are refused.
COUNTRY_VALUES: dict[str, tuple[str, ...]] = {
    "visit:country": ("DE", "FR", "(not set)"),
    "visit:country_name": ("Germany", "France", "(not set)"),
}
OF_GOALS: tuple[str, ...] = ("Signup", "Sale", "Docs", "s")
OF_OTHERS = (
    *(*PATHS[:-1], "a", "b", "DE", "Ä", "pro"),
    *("(none)", "(not set)", "Direct / None", "direct / none"),
)


@cache
@st.composite
def leaf(draw: st.DrawFn, names: tuple[str, ...]) -> list[Any]:
    name = draw(one_of(*names))
    operators: tuple[str, ...] = ("is", "contains")
    values = OF_GOALS
    if name != "event:goal":
        operators += ("is_not", "contains_not", "matches", "matches_not")
        values = OF_OTHERS
    operator = draw(one_of(*operators))
    if operator in ("is", "is_not"):
        values = COUNTRY_VALUES.get(name, values)
    if name == "event:goal" and operator == "is":
        values = tuple(goal.name for goal in GOALS)
    if operator.startswith("matches"):
        values = ("^/d", "a$", "^$", "[a-c]")
    found: list[Any] = [
        operator,
        name,
        [draw(one_of(*values)) for _ in range(draw(one_of(1, 2)))],
    ]
    if not operator.startswith("matches") and draw(one_of(False, True)):
        found.append({"case_sensitive": False})
    return found


WHOLE_DAYS = st.sampled_from(
    [
        ["2026-03-27", "2026-04-02"],
        ["2026-03-29", "2026-03-29"],
        ["2026-10-23", "2026-10-28"],
        ["2026-10-25", "2026-10-25"],
    ]
)


@st.composite
def cut_days(draw: st.DrawFn) -> list[str]:
    """A range that begins and ends among a visit's first hits."""
    start = draw(one_of(*STARTS)) + timedelta(minutes=draw(one_of(0, 10, 25, 45)))
    end = start + timedelta(minutes=draw(one_of(5, 30, 100, 2000)))
    return [start.isoformat(), end.isoformat()]


RANGES = WHOLE_DAYS | cut_days()


@st.composite
def bodies(draw: st.DrawFn, metric: str, is_filtered: bool = True) -> dict[str, Any]:
    """A question about a metric, with what the metric needs to make sense."""
    needs, visits_only = METRICS[metric].needs, METRICS[metric].of_visits
    names = (*OF_VISITS, *TIME_BUCKETS, "event:page")
    if not visits_only:
        names += ("event:hostname", "event:name", "event:props:plan", "event:goal")
    names = draw(one_of(names, tuple(TIME_BUCKETS)))
    dimensions: list[str] = []
    for _ in range(draw(one_of(0, 1, 2))):
        others = (name for name in names if name not in dimensions)
        dimensions.append(draw(one_of(*others)))
    is_filtered = is_filtered and draw(one_of(False, True))
    parts = [draw(FILTERS[2])] if is_filtered else []
    needed = {"goal": "event:goal", "page": "event:page"}.get(needs)
    if needed and needed not in dimensions:
        if draw(one_of(False, True)):
            dimensions.append(needed)
        elif needed == "event:page" and draw(one_of(False, True)):
            parts.append(["matches", "event:page", [""]])
        else:
            parts.append(draw(leaf((needed,))))
    if needs == "dimension" and not dimensions:
        dimensions.append(draw(one_of(*names)))
    return {
        "site_id": "a.org",
        "metrics": [metric],
        "date_range": draw(RANGES),
        "dimensions": dimensions,
        "filters": parts,
    }


def understood(body: dict[str, Any], zone: str) -> Query:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    return parse(body, Known("a.org", zone, now, lambda: date(2026, 1, 1), GOALS))


def put(lake: Lake, rows: list[Row], number: int) -> None:
    """Add rows to the lake as the writer does, in one commit."""
    append(lake.snapshot("hits"), HITS, [*map(ready, rows)], "stream:1:0", number)


def ready(row: Row) -> tuple[Any, ...]:
    """A row as the lake takes it."""
    return tuple(_stored(column.name, row) for column in HITS)


def _stored(name: str, row: Row) -> Any:
    if name == "day":
        return day_number(row["day"])
    if name == "time":
        return round(row["time"].timestamp() * 1_000_000)
    return f"{row['day']:%Y-%m}" if name == "month" else row[name]


def view(
    visitor: int, path: str = "/", day: date = date(2026, 3, 2), site: str = "a.org"
) -> Row:
    """A view, the only one of its visitor."""
    found = _plain_view()
    return found | {
        "site": site,
        "time": found["time"].replace(month=day.month, day=day.day),
        "day": day,
        "visitor": visitor,
        "visit": visitor,
        "path": path,
        "entry_path": path,
    }


def further_view(visitor: int, path: str, entry: str = "/", **given: Any) -> Row:
    """The second view of a visitor's only visit."""
    is_second = {"step": 2, "view": 2, "interaction": 2, "arrival": False}
    return view(visitor, path, **given) | {"entry_path": entry} | is_second


def _plain_view() -> Row:
    row: Row = {
        column.name: {"string": "", "map": {}, "bool": True}.get(column.type, 0)
        for column in HITS
    }
    ones = {"step": 1, "view": 1, "interaction": 1}
    return (
        row
        | ones
        | {
            "time": datetime(2026, 3, 2, 12, tzinfo=UTC),
            "site": "a.org",
            "name": "pageview",
            "engaged": None,
            "scroll": None,
            "revenue": None,
        }
    )
