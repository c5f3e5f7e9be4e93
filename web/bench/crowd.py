"""A crowd's hits, a day at a time and as whole columns: millions in seconds.

What `rows.py` tells hit by hit is here told by numpy and one SQL statement: pages,
sources and places by Zipf's law, visitors of whom some come back on the same day,
visits of some pages each, engagements, now and then an event. Rows are in the order of
schema.HITS and time, and hold what the ingest script promises of them. The same seed
gives the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import numpy as np
from rows import BROWSERS, CAMPAIGNS, COUNTRIES, LANGUAGES, SCREENS, SECTIONS

from page_tracker.days import date_of
from page_tracker.schema import HITS

DAY = 86_400_000  # milliseconds
HALF_HOUR = 1_800_000
ORIGIN = 1_234_567_890 << 32
VIEW, EVENT, QUIET, ENGAGEMENT = range(4)
# A visitor comes back after a first visit that ended before this.
BACK_BEFORE = 16 * 3_600_000
LONGEST_STAY = 240_000  # milliseconds on a page
MOST_VIEWS = 30
SYSTEMS = (
    ("Windows", "10", "Desktop"),
    ("Android", "15", "Mobile"),
    ("iOS", "18.1", "Mobile"),
    ("macOS", "14.5", "Desktop"),
    ("Linux", "", "Desktop"),
    ("iPadOS", "18.1", "Tablet"),
)

Columns = dict[str, "np.ndarray[Any, Any]"]


@dataclass(frozen=True)
class Scale:
    """How much of everything there is."""

    pages: int = 3_000
    sources: int = 600
    cities: int = 1_000
    sites: int = 1


class Crowd:
    """Hits of one or many sites; `day` gives those of a day as a DuckDB relation."""

    def __init__(self, seed: int = 1, scale: Scale = Scale()) -> None:
        self._draw = np.random.default_rng(seed)
        self._scale = scale
        self._connection = duckdb.connect(config={"threads": 1})
        self._connection.execute("SET TimeZone = 'UTC'")
        for name, (columns, rows) in self._tables().items():
            self._connection.execute(f"CREATE TABLE {name} ({columns})")
            places = ", ".join("?" for _ in rows[0])
            self._connection.executemany(
                f"INSERT INTO {name} VALUES ({places})", [list(row) for row in rows]
            )

    def day(self, day: int, visits: int, hits: int) -> duckdb.DuckDBPyRelation:
        """The hits of a day (since 1970), sorted by time, columns as in schema.HITS."""
        numbers = self._hits(visits, hits)  # noqa: F841  # DuckDB reads it by name
        when = date_of(day)
        return self._connection.sql(_AS_ROWS.format(day=when, month=_month(when)))

    def _words(self, number: int) -> list[str]:
        syllables = ("ra", "to", "mi", "len", "so", "ver", "ka", "din", "pul", "est")
        drawn = self._draw.choice(syllables, (number, 4))
        return [f"{a}{b}-{c}{d}" for a, b, c, d in drawn]

    def _tables(self) -> Mapping[str, tuple[str, list[tuple[Any, ...]]]]:
        """What the numbers of a day stand for."""
        scale = self._scale
        pages = [
            (number, f"/{SECTIONS[number % 7]}/{number:04d}-{word}", word.title())
            for number, word in enumerate(self._words(scale.pages))
        ]
        links = [
            (f"{word}.org/about", f"{word}.org", "Referral", *("",) * 5)
            for word in self._words(scale.sources)
        ]
        touches = [
            ("", "", "Direct", *("",) * 5),
            ("google.com/", "Google", "Organic Search", *("",) * 5),
            *links[:3],
            *(
                ("", "newsletter", "Email", "newsletter", "email", name, "top", "term")
                for name in CAMPAIGNS
            ),
            *links[3:],
        ]
        places = [
            (number, country, f"{country}-{number % 20}", word)
            for number, (word, country) in enumerate(
                zip(
                    self._words(scale.cities),
                    self._draw.choice(COUNTRIES, scale.cities, p=_zipf(12)),
                )
            )
        ]
        clients = [
            (number, device, browser, str(version), *system)
            for number, ((*system, device), browser, version) in enumerate(
                (system, browser, version)
                for version in range(131, 121, -1)
                for browser in BROWSERS
                for system in SYSTEMS
            )
        ]
        return {
            "pages": ("number INT, path VARCHAR, title VARCHAR", pages),
            "touches": (
                "number INT, referrer VARCHAR, source VARCHAR, channel VARCHAR,"
                " utm_source VARCHAR, utm_medium VARCHAR, utm_campaign VARCHAR,"
                " utm_content VARCHAR, utm_term VARCHAR",
                [(number, *touch) for number, touch in enumerate(touches)],
            ),
            "places": (
                "number INT, country VARCHAR, region VARCHAR, city VARCHAR",
                places,
            ),
            "clients": (
                "number INT, device VARCHAR, browser VARCHAR, browser_version VARCHAR,"
                " os VARCHAR, os_version VARCHAR",
                clients,
            ),
            "screens": ("number INT, screen VARCHAR", list(enumerate(SCREENS))),
            "languages": ("number INT, language VARCHAR", list(enumerate(LANGUAGES))),
        }

    def _zipf(self, most: int, number: int) -> np.ndarray[Any, Any]:
        return self._draw.choice(most, number, p=_zipf(most)).astype(np.int32)

    def _visits(self, visits: int) -> tuple[Columns, np.ndarray[Any, Any]]:
        """The visits of a day in the order of their starts; stays on their pages."""
        draw = self._draw
        views = np.where(draw.random(visits) < 0.6, 1, 1 + draw.geometric(0.55, visits))
        views = np.minimum(views, MOST_VIEWS)
        stays = np.exp(draw.normal(10.4, 1.0, int(views.sum()))).astype(np.int64)
        stays = np.clip(stays, 2_000, LONGEST_STAY)
        lasting = np.add.reduceat(stays, np.cumsum(views) - views)
        first = visits - visits * 18 // 100
        start = (draw.beta(2.2, 1.8, visits) * DAY).astype(np.int64)
        start = np.minimum(start, DAY - 1 - lasting)
        ended = start[:first] + lasting[:first]
        early = np.flatnonzero(ended < BACK_BEFORE)
        back = draw.permutation(early)[: visits - first]
        first = visits - len(back)  # too few were there early enough
        pause = HALF_HOUR + draw.exponential(2 * 3_600_000, len(back)).astype(np.int64)
        start[first:] = np.minimum(ended[back] + pause, DAY - 1 - lasting[first:])
        visitor = np.concatenate([np.arange(first), back])
        order = np.argsort(start, kind="stable")
        arrives = (np.arange(visits) < first)[order]
        number = np.zeros(first, np.int64)
        number[visitor[order][arrives]] = np.arange(1, first + 1)
        kept = {"views": views, "start": start, "arrives": np.arange(visits) < first}
        found = {name: column[order] for name, column in kept.items()}
        found["visitor"] = number[visitor[order]]
        pages_at = np.repeat((np.cumsum(views) - views)[order], found["views"])
        return found, stays[pages_at + _within(found["views"])]

    def _hits(self, visits: int, hits: int) -> Columns:
        """Numbers that stand for the rows of a day."""
        draw = self._draw
        of_visit, stays = self._visits(visits)
        visitors = int(of_visit["visitor"].max()) + 1
        of_visit["touch"] = self._zipf(self._scale.sources + 29 - 3, visits)
        of_visit["width"] = draw.integers(0, 4, visits)
        of_visit["tongue"] = self._zipf(len(LANGUAGES), visits)
        of_visit["host"] = self._zipf(3, visits)
        of_visitor = {
            "place": self._zipf(self._scale.cities, visitors),
            "client": self._zipf(10 * len(BROWSERS) * len(SYSTEMS), visitors),
            "site": self._zipf(self._scale.sites, visitors),
        }
        visit = np.repeat(np.arange(visits), of_visit["views"])
        page = self._zipf(self._scale.pages, len(visit))
        before = np.cumsum(stays) - stays
        began = np.cumsum(of_visit["views"]) - of_visit["views"]
        elapsed = before - before[began][visit]
        events = np.flatnonzero(draw.random(len(visit)) < 0.06)
        engaged = draw.permutation(len(visit))[: hits - len(visit) - len(events)]
        assert len(visit) + len(events) + len(engaged) == hits, "too few hits a visit"
        # Of each page view, then of events and of engagements: which view it is of.
        view = np.concatenate([np.arange(len(visit)), events, engaged])
        kind = np.repeat(
            (VIEW, EVENT, ENGAGEMENT), (len(visit), len(events), len(engaged))
        )
        kind[(kind == EVENT) & (draw.random(hits) < 0.1)] = QUIET
        late = np.choose(kind, (0.0, 0.4, 0.4, 0.9))
        elapsed = elapsed[view] + (stays[view] * late).astype(np.int64)
        order = np.lexsort((elapsed, visit[view]))
        view, kind, elapsed = view[order], kind[order], elapsed[order]
        its_visit = visit[view]
        found = {name: column[its_visit] for name, column in of_visit.items()}
        found |= {name: column[found["visitor"]] for name, column in of_visitor.items()}
        return found | {
            "visit": its_visit + 1,
            "kind": kind,
            "elapsed": elapsed,
            "page": page[view],
            "entry": page[began][its_visit],
            "previous": page[np.maximum(view - 1, 0)],
            "stay": stays[view],
            "depth": draw.integers(5, 101, hits),
            "paid": np.where(draw.random(hits) < 0.3, draw.integers(1, 10**6, hits), 0),
            **_counted(kind, elapsed, its_visit),
        }


def _counted(
    kind: np.ndarray[Any, Any],
    elapsed: np.ndarray[Any, Any],
    visit: np.ndarray[Any, Any],
) -> Columns:
    """What the ingest script counts within a visit; rows are sorted by visit, time."""
    starts = np.flatnonzero(np.diff(visit, prepend=-1))
    lengths = np.diff(np.append(starts, len(visit)))

    def running(chosen: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        total = np.cumsum(chosen)
        return np.where(chosen, total - np.repeat((total - chosen)[starts], lengths), 0)

    step = running(kind != ENGAGEMENT)
    since = np.zeros(len(kind), np.int64)
    counted = np.flatnonzero(kind != ENGAGEMENT)
    since[counted[1:]] = np.diff(elapsed[counted])
    return {
        "step": step,
        "view": running(kind == VIEW),
        "interaction": running((kind == VIEW) | (kind == EVENT)),
        "since": np.where(step > 1, since, 0),
    }


def _within(lengths: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """0, 1, … within each of runs of those lengths."""
    starts = np.cumsum(lengths) - lengths
    return np.arange(int(lengths.sum())) - np.repeat(starts, lengths)


def _zipf(most: int) -> np.ndarray[Any, Any]:
    weights = 1 / np.arange(1, most + 1)
    found: np.ndarray[Any, Any] = weights / weights.sum()
    return found


def _month(when: date) -> str:
    return f"{when:%Y-%m}"


_HOST = "CASE host WHEN 0 THEN '' WHEN 1 THEN 'www.' ELSE 'docs.' END || of_site"
_EXPRESSIONS = {
    "time": "DATE '{day}'::TIMESTAMPTZ + to_milliseconds(start + elapsed)",
    "day": "DATE '{day}'",
    "month": "'{month}'",
    "site": "of_site",
    "name": f"CASE WHEN kind = {VIEW} THEN 'pageview' WHEN kind = {ENGAGEMENT}"
    " THEN 'engagement' WHEN paid > 0 THEN 'Purchase' ELSE 'Download' END",
    "hostname": _HOST,
    "path": "pages.path",
    "title": "pages.title",
    "visitor": f"({ORIGIN} + visitor)::BIGINT",
    "visit": f"({ORIGIN} + visit)::BIGINT",
    "step": "step::INTEGER",
    "view": "view::INTEGER",
    "interaction": "interaction::INTEGER",
    "since": "since::INTEGER",
    "elapsed": "elapsed::INTEGER",
    "arrival": "arrives AND step = 1",
    "previous": "CASE WHEN view > 1 THEN before.path ELSE '' END",
    "previous_hostname": f"CASE WHEN view > 1 THEN {_HOST} ELSE '' END",
    "entry_path": "entries.path",
    "entry_hostname": _HOST,
    "props": f"CASE WHEN kind IN ({EVENT}, {QUIET}) THEN"
    " MAP {{'plan': CASE WHEN paid % 2 = 0 THEN 'small' ELSE 'large' END}}"
    " ELSE MAP([]::VARCHAR[], []::VARCHAR[]) END",
    "engaged": f"CASE WHEN kind = {ENGAGEMENT} THEN (stay * 0.9)::INTEGER END",
    "scroll": f"CASE WHEN kind = {ENGAGEMENT} THEN depth::INTEGER END",
    "revenue": f"CASE WHEN kind IN ({EVENT}, {QUIET}) AND paid > 0 THEN paid END",
    "currency": f"CASE WHEN kind IN ({EVENT}, {QUIET}) AND paid > 0 THEN 'EUR'"
    " ELSE '' END",
}
_SELECTED = ", ".join(
    f"{_EXPRESSIONS.get(column.name, column.name)} AS {column.name}" for column in HITS
)
_AS_ROWS = f"""
    SELECT {_SELECTED}
    FROM (
        SELECT *, CASE site WHEN 0 THEN 'example.com'
            ELSE 'site-' || site || '.example' END AS of_site
        FROM numbers
    ) n
    JOIN pages ON pages.number = n.page
    JOIN pages entries ON entries.number = n.entry
    JOIN pages before ON before.number = n.previous
    JOIN touches ON touches.number = n.touch
    JOIN places ON places.number = n.place
    JOIN clients ON clients.number = n.client
    JOIN screens ON screens.number = n.width
    JOIN languages ON languages.number = n.tongue
    ORDER BY n.start + n.elapsed
"""
