"""A visitor's browser, a website that is counted, and what was stored of the visit."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, Request

from page_tracker.schema import DROPS, HITS
from page_tracker.store.stream import Stream
from support.processes import WAIT_SECONDS
from support.website import Website

SITE = "example.com"
SITE_THAT_RESPECTS_DNT = "quiet.example"
SITE_OF_FILES = "files.example"
SITE_OF_USERS = "users.example"
# What other trackers call the site: Plausible, Umami and Matomo.
PLAUSIBLE_ID = "pa-AbC123"
UMAMI_ID = "5f7f4b0c-6a3f-4d0c-8d38-0f9f5b0f3a11"
MATOMO_ID = "1"
SITES: dict[str, dict[str, Any]] = {
    SITE: {"aliases": [PLAUSIBLE_ID, UMAMI_ID, MATOMO_ID]},
    SITE_THAT_RESPECTS_DNT: {"respect_dnt": True},
    SITE_OF_FILES: {"page_schemes": ["file"]},
    SITE_OF_USERS: {"user_ids": True},
}

POLL_MILLISECONDS = 20

Row = dict[str, Any]


@dataclass
class Scene:
    """A visitor's browser, a website that is counted, and what was stored of it.

    A browser sends over several connections at once, and what it sent first may be
    stored last: rows are given in the order in which they were sent.
    """

    context: BrowserContext
    page: Page
    site: Website
    server_url: str
    stream: Stream
    start: int
    sent: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.context.on("request", self._note)

    def _note(self, request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/api/event"):
            event = json.loads(request.post_data or "")
            url = urlsplit(event.get("url") or event["u"])
            path = url.path + (
                f"#{url.fragment}" if event.get("h") and url.fragment else ""
            )
            name = event.get("name") or event["n"]
            self.sent.setdefault(event["id"], (name, path))

    def put(
        self, path: str, body: str = "", attributes: str = f'data-domain="{SITE}"'
    ) -> str:
        """Put a page that loads the script onto the website; gives its address."""
        script = f'<script defer src="{self.server_url}/js/script.js" {attributes}>'
        self.site.pages[path] = (
            200,
            f"<!doctype html><title>Title of {path}</title>{script}</script>{body}",
        )
        return self.site.url + path

    @property
    def second_script(self) -> str:
        """The script once more, for a page that has it already."""
        address = f"{self.server_url}/js/script.js"
        return f'<script defer src="{address}" data-domain="{SITE}"></script>'

    def open(self, *arguments: str) -> None:
        """Put a page at /start and load it."""
        self.page.goto(self.put("/start", *arguments))

    def show(self, path: str, head: str, body: str = "") -> None:
        """Load a page with that in it."""
        html = f"<!doctype html><title>Title of {path}</title>{head}{body}"
        self.site.pages[urlsplit(path).path] = (200, html)
        self.page.goto(self.site.url + path)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Return when it holds; meanwhile the browser's requests go on."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"waited {WAIT_SECONDS:.0f} s in vain"
            self.page.wait_for_timeout(POLL_MILLISECONDS)

    def stored(self, number: int) -> list[Row]:
        """The site's rows in the stream, once there are so many."""
        self.wait_until(lambda: len(self._rows()) >= number)
        return self._rows()

    def views(self, number: int) -> list[Row]:
        """All its page views: once there are so many, and no further one comes."""
        self.wait_until(lambda: len(views_of(self._rows())) >= number)
        self.page.wait_for_timeout(200)  # those within an application are sent late
        return views_of(self.all_stored())

    def dropped(self, site: str) -> list[Row]:
        """What was dropped of a site's, once there is something."""
        self.wait_until(lambda: bool(self._drops(site)))
        return self._drops(site)

    def all_stored(self) -> list[Row]:
        """All rows of what the page has sent till now: up to an event sent last."""
        self.page.evaluate("pagetracker('Last')")
        self.wait_until(lambda: any(row["name"] == "Last" for row in self._rows()))
        # The last may have overtaken others; some are dropped.
        for _ in range(1000 // POLL_MILLISECONDS):
            if len(self._rows()) >= len(self.sent):
                break
            self.page.wait_for_timeout(POLL_MILLISECONDS)
        return [row for row in self._rows() if row["name"] != "Last"]

    def _rows(self) -> list[Row]:
        names = [column.name for column in HITS]
        entries = self.stream.read(self.start, 1000)
        rows = [dict(zip(names, row)) for entry in entries for row in entry.rows()]
        here = [row for row in rows if row["hostname"] == self.site.host]
        return in_order_sent(here, list(self.sent.values()))

    def _drops(self, site: str) -> list[Row]:
        names = [column.name for column in DROPS]
        entries = self.stream.read(self.start, 1000)
        rows = [dict(zip(names, row)) for entry in entries for row in entry.drops()]
        return [row for row in rows if row["site"] == site]


def in_order_sent(rows: list[Row], sent: list[tuple[str, str]]) -> list[Row]:
    """Rows in the order of (name, path) as sent; of what a site has made of a path, the
    name alone tells, and what was not seen to be sent comes last."""
    places: list[int] = []
    remaining = dict(enumerate(sent))
    for row in rows:
        same_name = [at for at, (name, _) in remaining.items() if name == row["name"]]
        same = [at for at in same_name if remaining[at][1] == row["path"]]
        place = next(iter(same + same_name), len(sent))
        remaining.pop(place, None)
        places.append(place)
    order = sorted(range(len(rows)), key=places.__getitem__)
    return [rows[at] for at in order]


def names_and_paths(rows: list[Row]) -> list[tuple[str, str]]:
    return [(row["name"], row["path"]) for row in rows]


def views_of(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["name"] == "pageview"]


def paths_of(rows: list[Row]) -> list[str]:
    return [row["path"] for row in rows]


def engagements_of(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["name"] == "engagement"]


def counted(scene: Scene, number: int) -> list[Row]:
    """What is stored except of reading, once there is so much, which is all."""

    def rows() -> list[Row]:
        return [row for row in scene.stored(0) if row["name"] != "engagement"]

    scene.wait_until(lambda: len(rows()) >= number)
    assert len(rows()) == number
    return rows()
