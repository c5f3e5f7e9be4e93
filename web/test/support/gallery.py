"""Draws the views of a site's page, to be looked at.

python -m support.gallery FOLDER [VIEW…]

What is shown: the real log, a site without a hit, one with a single hit, a crowd from
a thousand sources that reads pages with long names and names from right to left, and a
shop that compares two buttons. Each at the widths of a phone, a tablet and a desk, in
light and dark; then the pages of settings and people, those without a script, where
something is wrong, and as they are printed.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import requests
from playwright.sync_api import Browser, sync_playwright

from support import commands
from support.importing import AGENT, LOG
from support.pictures import chromium, sign_up
from support.processes import Running, clean_environment, serving

LOGGED, CROWD, ONE = "example.org", "crowd.example", "one.example"
SHOP, EMPTY = "shop.example", "new.example"
# The log's days; with hours, as of four days there is little to see by day.
DAYS = "period=2015-05-17..2015-05-20"
BUTTONS = "period=day&groups=props:buttons&goal=Signup"
PATIENCE = 600  # seconds
WIDTHS = (360, 768, 1440)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PATHS = (
    "/",
    "/long/" + "a-very-long-name-" * 116,
    "/long/" + "wide words/" * 180,
    "/" + quote("مقالات/الأخبار-المحلية"),
    "/" + quote("בלוג/שלום עולם"),
    "/" + quote("ブログ/東京の天気"),
)


@dataclass(frozen=True)
class View:
    """A view to be drawn; `is_plain`: without a script; `is_closed`: signed out."""

    name: str
    address: str
    is_plain: bool = False
    is_printed: bool = False
    is_closed: bool = False


VIEWS = (
    View("log", f"/{LOGGED}?{DAYS}&compare=2015-05-18..2015-05-20&by=hour"),
    View("map", f"/{LOGGED}?{DAYS}&compare=none&places=map"),
    View("filtered", f"/{LOGGED}?{DAYS}&f=is~country~US|DE&f=contains~page~/blog/"),
    View("list", f"/{LOGGED}/list/pages?{DAYS}"),
    View("how", f"/{LOGGED}/how/pages?{DAYS}"),
    View("crowd", f"/{CROWD}"),
    View("one", f"/{ONE}?period=day"),
    View("empty", f"/{EMPTY}"),
    View("wrong", f"/{LOGGED}?period=28dd&metric=visitor&f=is~nation~DE"),
    View("nowhere", "/nowhere.example"),
    View("sites", "/sites"),
    View("crowd-list", f"/{CROWD}/list/pages"),
    View("shop", f"/{SHOP}?period=day&f=is~goal~Signup"),
    View("experiment", f"/{SHOP}/experiments?{BUTTONS}"),
    View("experiment-how", f"/{SHOP}/how/experiments?{BUTTONS}"),
    View("experiment-new", f"/{SHOP}/experiments"),
    View("properties", f"/{SHOP}/properties?period=day"),
    *(
        View(f"settings-{name}".rstrip("-"), f"/{SHOP}/settings/{name}".rstrip("/"))
        for name in ("", "goals", "tokens", "sharing", "deletion", "own-visits")
    ),
    View("import", f"/{LOGGED}/import"),
    View("site-people", f"/sites/{SHOP}/people"),
    View("install", f"/sites/{EMPTY}/install"),
    View("add", "/sites/add"),
    *(View(name, f"/{name}") for name in ("people", "flags", "account")),
    View("second-factor", "/account/second-factor"),
    View("remove-account", "/account/remove"),
    View("sign-in", "/sites", is_closed=True),
    View("welcome", "/welcome/spent", is_closed=True),
    View("plain", f"/{LOGGED}?{DAYS}&places=map", is_plain=True),
    View("printed", f"/{LOGGED}?{DAYS}&places=map", is_printed=True),
)


def crowd(number: int = 4_000) -> Iterator[str]:
    """Lines of a log: visitors of the last four weeks from a thousand sources."""
    draw = random.Random(12)  # nosec B311 # the same pictures each time
    now = datetime.now(UTC).replace(microsecond=0)
    for at in range(number):
        time = now - timedelta(days=28) * (1 - at / number)
        address = ".".join(str(draw.randrange(1, 224)) for _ in range(4))
        source = (at if at % 2 else int(draw.paretovariate(0.6))) % 1_000
        path = PATHS[min(int(draw.expovariate(0.5)), len(PATHS) - 1)]
        yield (
            f"{address} - - [{time:%d/%b/%Y:%H:%M:%S} +0000]"
            f' "GET {path.replace(" ", "%20")} HTTP/1.1" 200 512'
            f' "https://source-{source}.example/" "{AGENT}"\n'
        )


def _command(*arguments: str) -> None:
    """Run a command of ours, which takes its time on a busy machine."""
    ended = commands.run(*arguments, environment=clean_environment(), seconds=PATIENCE)
    assert ended.returncode == 0, ended.stderr


def fill(data: Path) -> None:
    """Put sites and hits into a data folder."""
    for site in (LOGGED, CROWD, ONE, SHOP, EMPTY):
        group = "Blogs" if site in (LOGGED, CROWD) else ""
        _command("site", "add", site, "--group", group, "--data", str(data))
    log = data.parent / "crowd.log"
    lines = list(crowd())
    log.write_text("".join(lines), "utf-8")
    _command("import", CROWD, str(log), "--data", str(data))
    log.write_text(lines[-1], "utf-8")
    _command("import", ONE, str(log), "--data", str(data))
    _command("import", LOGGED, str(LOG), "--data", str(data))
    _command(*("goal", "add", SHOP, "--event", "Signup", "--data"), str(data))


def buy(server: Running, number: int = 400) -> None:
    """Send visitors to the shop: one in five signs up, or one in three."""
    draw = random.Random(12)  # nosec B311 # the same pictures each time
    with requests.Session() as session:
        for at in range(number):
            buttons = ("round", "square")[at % 2]
            names = ["pageview", "Experiment"]
            names += ["Signup"] * (draw.random() < (0.2, 0.33)[at % 2])
            for name in names:
                event = {
                    "name": name,
                    "url": f"https://{SHOP}/{at % 7}",
                    "domain": SHOP,
                    "props": {"buttons": buttons},
                }
                agent = AGENT.replace("Chrome/", f"Chrome/1{at}.")
                answer = session.post(
                    f"{server.url}/api/event", json=event, headers={"User-Agent": agent}
                )
                assert answer.status_code == 202, answer.text


def draw(
    browser: Browser, server: Running, folder: Path, views: Sequence[View]
) -> None:
    """Draw views of a server that has just begun."""
    with browser.new_context() as context:
        page = context.new_page()
        sign_up(page, server.said().partition("your account ")[2].split()[0])
        state = context.storage_state()
    for scheme in SCHEMES:
        for view in views:
            with browser.new_context(
                base_url=server.url,
                storage_state=None if view.is_closed else state,
                color_scheme=scheme,
                java_script_enabled=not view.is_plain,
            ) as context:
                page = context.new_page()
                page.emulate_media(media="print" if view.is_printed else "screen")
                for width in WIDTHS:
                    page.set_viewport_size({"width": width, "height": 900})
                    page.goto(view.address)
                    name = f"{view.name}-{scheme}-{width}.png"
                    page.screenshot(path=folder / name, full_page=True)


def main() -> None:
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    views = [view for view in VIEWS if view.name in names or not names]
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        data = Path(made) / "data"
        fill(data)
        with (
            serving(data, PAGE_TRACKER_HITS_OF_ADDRESS="0") as server,
            sync_playwright() as playwright,
        ):
            buy(server)
            with chromium(playwright) as browser:
                draw(browser, server, folder, views)


if __name__ == "__main__":
    main()
