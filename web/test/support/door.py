"""The senders' endpoints under Flask, over a real Redis, and what was stored behind."""

from __future__ import annotations

import time
from datetime import timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any

from flask import Flask
from redis import Redis
from werkzeug.test import TestResponse

from page_tracker.collect.direct import UnbatchedCollector
from page_tracker.collect.rates import Rates
from page_tracker.hits.client_address import Proxies
from page_tracker.lookups.load import PACKAGED
from page_tracker.lookups.reload import FreshLookups
from page_tracker.schema import HITS
from page_tracker.store.counters import Live
from page_tracker.store.ingest import Bounds
from page_tracker.store.registry import Registry
from page_tracker.store.sites import Sites
from page_tracker.store.stream import Stream
from page_tracker.store.tokens import Tokens
from page_tracker.web.collect_routes import collecting
from support.collecting import CHROME

SITE = "senders.example"
PAGE = f"https://{SITE}/a"
COLUMNS = [column.name for column in HITS]


@cache
def lookups() -> FreshLookups:
    """Nothing of an owner's lies beside them."""
    return FreshLookups(PACKAGED / "none")


class Door:
    """A server's endpoints for hits, and what was stored behind them."""

    def __init__(self, redis: Redis, registry: Registry) -> None:
        self.sites = Sites(registry)
        self.tokens = Tokens(registry)
        self.live = Live(redis)
        self._stream = Stream(redis)
        collector = UnbatchedCollector(
            redis,
            self.sites,
            self.tokens,
            lookups(),
            bounds=Bounds(),
            rates=Rates(0),
        )
        flask = Flask(__name__)
        flask.register_blueprint(collecting(lambda: collector, Proxies()))
        self._client = flask.test_client()
        # Noon: no test of this day reaches into the next one.
        self.now = time.time() // 86_400 * 86_400 + 43_200.0

    def time_ns(self) -> int:
        """The clock that the collector reads."""
        return int(self.now * 1e9)

    def wait(self, **length: float) -> None:
        """Move the clock on, or back."""
        self.now += timedelta(**length).total_seconds()

    def event(self, **said: Any) -> TestResponse:
        """Send to `/api/event`; a page view of PAGE where nothing else is said."""
        return self._client.post(
            "/api/event",
            json={"n": "pageview", "u": PAGE, "d": SITE} | said,
            headers={"User-Agent": CHROME},
        )

    def pixel(self, **said: str) -> TestResponse:
        return self._client.get(
            "/count",
            query_string=said,
            headers={"User-Agent": CHROME, "Referer": PAGE},
        )

    def send(self, path: str, **sent: Any) -> TestResponse:
        """Send anything to any address, as werkzeug's client takes it."""
        headers = {"User-Agent": CHROME} | sent.pop("headers", {})
        method = sent.pop("method", "POST")
        return self._client.open(path, method=method, headers=headers, **sent)

    def origin(self) -> int:
        return self._stream.origin()

    def rows(self) -> list[Any]:
        """All that is stored, by the names of the columns."""
        return [
            SimpleNamespace(**dict(zip(COLUMNS, row, strict=True)))
            for entry in self._stream.read(0, 1_000)
            for row in entry.rows()
        ]

    def drops(self) -> list[tuple[str, str, int]]:
        """Reason, name and number, as `--live` has them of the site's today."""
        day = int(self.now // 86_400)
        return [
            (each.reason, each.name, each.number) for each in self.live.drops(SITE, day)
        ]
