"""Drawn sites, their hits and questions about them: what every answer is held to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
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


@st.composite
def hits_of_a_site(
    draw: st.DrawFn, zone: str, kinds: tuple[PlainKind, ...] = KINDS
) -> list[Row]:
    """Rows as the collector stores them, over some days."""
    now = draw(st.sampled_from(STARTS))
    paths = PATHS if kinds is KINDS else PATHS[:2]
    plain, extras = [], []
    for _ in range(draw(st.integers(0, 30))):
        now += timedelta(milliseconds=draw(STEPS))
        local = now.astimezone(ZoneInfo(zone)).date()
        visitor = draw(st.integers(0, 3))
        kind = draw(st.sampled_from(kinds))
        plain.append(
            PlainHit(
                time=int(now.timestamp() * 1000),
                day=(local - date(1970, 1, 1)).days,
                site="a.org",
                visitor=visitor,
                kind=kind,
                path=draw(st.sampled_from(paths)),
                hostname=draw(st.sampled_from(["a.org", "b.org"])),
                touch=tuple(draw(st.sampled_from(WORDS)) for _ in range(3)),
            )
        )
        extras.append(draw(_extra(kind, visitor)) | {"time": now, "day": local})
    found = find(plain)
    return [
        _row(hit, columns, extra)
        for hit, columns, extra in zip(plain, found, extras, strict=True)
        if columns.fate == "stored"
    ]


def _extra(kind: PlainKind, visitor: int) -> st.SearchStrategy[dict[str, Any]]:
    names = {"view": ["pageview"], "engagement": ["engagement"]}
    engaged = st.none() | st.integers(0, 5000)
    scrolled = st.none() | st.integers(0, 100)
    return st.fixed_dictionaries(
        {
            "name": st.sampled_from(names.get(kind, ["signup", "buy"])),
            "props": st.dictionaries(
                st.sampled_from(["plan", "x"]), st.sampled_from(["pro", "a"])
            ),
            "engaged": engaged if kind == "engagement" else st.none(),
            "scroll": scrolled if kind == "engagement" else st.none(),
            "revenue": (
                (st.none() | st.integers(-5000, 90000))
                if kind in ("event", "quiet")
                else st.none()
            ),
            "currency": st.sampled_from(["EUR", "USD"]),
            "country": st.just(("", "DE", "FR", "DE")[visitor]),
            "browser": st.just(("", "Firefox", "Chrome", "Chrome")[visitor]),
        }
    )


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


DRAWN_DIMENSIONS = [*DIMENSIONS, "event:props:plan"]


@st.composite
def filters(draw: st.DrawFn, depth: int = 2) -> list[Any]:
    kinds = ["leaf", "leaf", "leaf", "and", "or", "not", "has_done", "has_not_done"]
    kind = draw(st.sampled_from(kinds if depth else ["leaf"]))
    if kind in ("and", "or"):
        return [kind, draw(st.lists(filters(depth - 1), min_size=1, max_size=2))]
    if kind == "not":
        return [kind, draw(filters(depth - 1))]
    events = [name for name in DRAWN_DIMENSIONS if name.startswith("event:")]
    if kind in ("has_done", "has_not_done"):
        return [kind, draw(leaf(events))]
    return draw(leaf(DRAWN_DIMENSIONS))


# Others are refused.
COUNTRY_VALUES = {
    "visit:country": ["DE", "FR", "(not set)"],
    "visit:country_name": ["Germany", "France", "(not set)"],
}


@st.composite
def leaf(draw: st.DrawFn, names: list[str]) -> list[Any]:
    name = draw(st.sampled_from(names))
    operators = ["is", "contains"]
    values = ["Signup", "Sale", "Docs", "s"]
    if name != "event:goal":
        operators += ["is_not", "contains_not", "matches", "matches_not"]
        values = [*PATHS[:-1], "a", "b", "DE", "Ä", "pro"]
        values += ["(none)", "(not set)", "Direct / None", "direct / none"]
    operator = draw(st.sampled_from(operators))
    if operator in ("is", "is_not"):
        values = COUNTRY_VALUES.get(name, values)
    if name == "event:goal" and operator == "is":
        values = [goal.name for goal in GOALS]
    if operator.startswith("matches"):
        values = ["^/d", "a$", "^$", "[a-c]"]
    found: list[Any] = [
        operator,
        name,
        draw(st.lists(st.sampled_from(values), min_size=1, max_size=2)),
    ]
    if not operator.startswith("matches") and draw(st.booleans()):
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
    start = draw(st.sampled_from(STARTS)) + timedelta(
        minutes=draw(st.sampled_from([0, 10, 25, 45]))
    )
    end = start + timedelta(minutes=draw(st.sampled_from([5, 30, 100, 2000])))
    return [start.isoformat(), end.isoformat()]


RANGES = WHOLE_DAYS | cut_days()


@st.composite
def bodies(draw: st.DrawFn, metric: str, is_filtered: bool = True) -> dict[str, Any]:
    """A question about a metric, with what the metric needs to make sense."""
    needs, visits_only = METRICS[metric].needs, METRICS[metric].of_visits
    whole = [name for name in DRAWN_DIMENSIONS if name.startswith("visit:")]
    names = [*whole, *TIME_BUCKETS, "event:page"]
    if not visits_only:
        names += ["event:hostname", "event:name", "event:props:plan", "event:goal"]
    names = draw(st.sampled_from([names, list(TIME_BUCKETS)]))
    dimensions = draw(st.lists(st.sampled_from(names), max_size=2, unique=True))
    parts = draw(st.lists(filters(), max_size=1 if is_filtered else 0))
    needed = {"goal": "event:goal", "page": "event:page"}.get(needs)
    if needed and needed not in dimensions:
        if draw(st.booleans()):
            dimensions.append(needed)
        else:
            parts.append(draw(leaf([needed])))
    if needs == "dimension" and not dimensions:
        dimensions.append(draw(st.sampled_from(names)))
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
    ready = [tuple(stored(column.name, row) for column in HITS) for row in rows]
    append(lake.snapshot("hits"), HITS, ready, "stream:1:0", number)


def stored(name: str, row: Row) -> Any:
    """A column of a row as the lake takes it."""
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
