"""Three sites with hits, to be looked at by the people who may."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from page_tracker import app as app_module
from page_tracker.lake.table import Lake, append, position
from page_tracker.schema import DROPS
from page_tracker.sites.goal import new_goal, with_goal, with_segment
from support.application import application
from support.asked import put, view
from support.people import Visitor

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 4)
PERIOD = f"period={FIRST}..{LAST}"
EPOCH = date(1970, 1, 1)


def hits() -> list[dict[str, Any]]:
    """Views, events and readings of three days and of the days before."""
    rows = []
    for number in range(1, 40):
        day = FIRST - timedelta(days=4) + timedelta(days=number % 8)
        rows.append(
            view(number, f"/page/{number % 13}", day)
            | {
                "source": ("Google", "", "=1+1", "<b>Bold</b>")[number % 4],
                "channel": ("Organic Search", "Direct")[number % 2],
                "country": ("DE", "FR", "")[number % 3],
                "browser": ("Firefox", "Chrome")[number % 2],
                "hostname": "a.org",
                "entry_hostname": "a.org",
                "referrer": ("google.com/", "", "javascript:alert(1)", "b.org/x")[
                    number % 4
                ],
                "utm_campaign": "spring|summer~" if number % 5 == 0 else "",
            }
        )
    bought = {"name": "buy", "view": 0, "props": {"plan": "pro"}}
    return rows + [view(50, "/buy", FIRST) | bought]


def hits_of_today() -> list[dict[str, Any]]:
    """Views of another site."""
    now = datetime.now(UTC)
    today = {"time": now, "day": now.date()}
    return [view(n % 4 + 1, f"/{n}", site="intranet") | today for n in range(6)]


@contextmanager
def sites_with_hits(redis_url: str, folder: Path) -> Iterator[None]:
    """The application over a.org with two goals, a segment and hits that did not
    count, b.org, and intranet, which has hits of today."""
    with application(redis_url, folder):
        sites = app_module.sites()
        for domain in ("a.org", "b.org", "intranet"):
            sites.add(domain, {})
        goals = [
            new_goal({"name": "Sale", "event": "buy"}),
            new_goal({"name": "Pages", "page": "/page/**"}),
        ]
        for goal in goals:
            sites.put_goals("a.org", partial(with_goal, goal=goal))
        german = [["is", "visit:country", ["DE"]]]
        sites.put_segments("a.org", lambda known: with_segment(known, "Ours", german))
        lake = Lake(str(folder / "lake"))
        put(lake, hits() + hits_of_today(), 1)
        drops = lake.snapshot("drops")
        day = (FIRST - EPOCH).days
        rows = [
            (day, "a.org", "bot", "AI crawler: GPTBot", 7, "2026-03"),
            (day, "a.org", "bot", "<i>bot</i>", 2, "2026-03"),
            (day, "a.org", "referrer_spam", "spam.example", 1, "2026-03"),
            (day, "b.org", "bot", "other", 100, "2026-03"),
            (day + 30, "a.org", "bot", "later", 1000, "2026-03"),
        ]
        append(drops, DROPS, rows, "test", position(drops, "test") + 1)
        yield


def text_of(page: str) -> str:
    """What a person reads of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def shown(visitor: Visitor, path: str) -> str:
    response = visitor.get(path)
    assert response.status_code == 200, response.text
    return text_of(response.text)
