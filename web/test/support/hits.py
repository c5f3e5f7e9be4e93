"""Hits that can be told apart: each has a path of its own, `/<mark>/<number>`."""

import time
from collections.abc import Sequence
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from redis import Redis

from page_tracker.hits.hit import Client, Drop, Hit, Kind, Place, Record, Touch
from page_tracker.sites.site import Site
from page_tracker.store.ingest import Batch, submit

SITE = Site(id="example.com")
DAY = 86_400_000_000  # microseconds


def hit(
    path: str,
    moment: int | None = None,
    site: str = SITE.id,
    visitor: bytes | None = None,
    kind: Kind = Kind.VIEW,
) -> Hit:
    """A hit of a visitor of its own, unless it is given one; now, if not else."""
    moment = moment or time.time_ns() // 1000
    record = Record(
        time=moment,
        day=moment // DAY,
        site=site,
        name="engagement" if kind is Kind.ENGAGEMENT else "pageview",
        hostname=site,
        path=path,
        title=f"Title of {path}",
        touch=Touch(source="Google", channel="Organic Search"),
        client=Client("Desktop", "Firefox", "130", "Linux", ""),
        place=Place("DE", "DE-BE", "Berlin"),
        props={"plan": "small"},
    )
    return Hit(record, kind, visitor or sha256(path.encode()).digest()[:16])


def batch(hits: Sequence[Hit], drops: Sequence[Drop] = (), **other: Any) -> Batch:
    sites = {each.record.site: Site(id=each.record.site) for each in hits}
    moment = max((each.record.time for each in hits), default=time.time_ns() // 1000)
    return Batch(moment, hits, drops, sites={SITE.id: SITE, **sites}, **other)


def send(redis: Redis, *paths: str, drops: int = 0, moment: int | None = None) -> None:
    """One batch of a hit for each path, and of drops of a bot."""
    today = (moment or time.time_ns() // 1000) // DAY
    dropped = [Drop(today, SITE.id, "bot", "Googlebot")] * drops
    submit(redis, batch([hit(path, moment) for path in paths], dropped))


def row(path: str, day: int, visit: int = 1, site: str = SITE.id) -> tuple[Any, ...]:
    """A page view as it lies in the lake: the visit's first."""
    month = f"{date(1970, 1, 1) + timedelta(days=day):%Y-%m}"
    head = (day * DAY + visit, day, site, "pageview", site, path, f"Title of {path}")
    numbers = (1 << 32 | visit, 1 << 32 | visit, 1, 1, 1, 0, 0, True)
    touch = ("", "", path, site, "", "Google", "Organic Search", "", "", "", "", "")
    rest = ("DE", "DE-BE", "Berlin", "Desktop", "Firefox", "130", "Linux", "", "", "de")
    return (*head, *numbers, *touch, *rest, {}, None, None, None, "", month)
