"""The pages in a real browser: what they run, refuse, refresh, and how they fit."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page

from support.everybody import (
    WIDTHS,
    bring_axe,
    complaints,
    complaints_but_of_colours,
    show_at,
)
from support.pace import ANSWER_SECONDS
from support.processes import Running, command, serving, wait_until

# Fetching a browser, where none is there, takes minutes.
pytestmark = pytest.mark.timeout(900)

SITE = "example.com"
PASSWORD = "quiet river under old bridges"  # nosec B105 # of a test
GOAL = "period=day&f=is~goal~Every"
EXPERIMENT = "period=day&groups=os&goal=Every"
RESTS = ("", f"?{GOAL}", "/list/pages", "/how/sources", f"/experiments?{EXPERIMENT}")
VIEWS = ("/sites", *(f"/{SITE}{rest}" for rest in RESTS))
EMPTY = "empty.example"
OTHERS = (
    *(f"/sites/{EMPTY}/install", f"/{EMPTY}", f"/{EMPTY}/import"),
    *("/nowhere.example", "/flags"),
)
FITS = """width => document.documentElement.scrollWidth <= width &&
    [...document.querySelectorAll(".card:not(.scroll)")].every(
        card => card.scrollWidth <= card.clientWidth)"""
MARK = "document.title='run'"
# What others send, in hopes that it is run, or breaks what shows it.
PAYLOADS = (
    f"<script>{MARK}</script>",
    f"<img src=x onerror={MARK}>",
    f'"><svg onload={MARK}>',
    f"'-{MARK}-'",
    f"javascript:{MARK}",
    f"</title><script>{MARK}</script>",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "\u202egnp.exe\u2066 שלום مرحبا",
    "</bdi></a></td></tr></table></section></main>",
    "=HYPERLINK(0)",
)
ADDRESS = "8.8.8.8"  # in the United States
PERSON = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/{}.0.0.0 Safari/537.36"
)


@dataclass
class Owner:
    """A server with hits, and a browser in which its owner has signed in."""

    server: Running
    state: Any

    def hit(self, path: str, person: int = 0, **more: Any) -> None:
        """A page view that a browser tells; each person has a version of their own."""
        body = {
            "name": "pageview",
            "url": f"https://{SITE}{path}",
            "domain": SITE,
            **more,
        }
        sent = requests.post(
            f"{self.server.url}/api/event",
            data=json.dumps(body),
            headers={
                "User-Agent": PERSON.format(142 - person),
                "X-Forwarded-For": ADDRESS,
            },
            timeout=ANSWER_SECONDS,
        )
        assert sent.status_code == 202, sent.text


@pytest.fixture(scope="module")
def owner(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Owner]:
    folder = tmp_path_factory.mktemp("pages") / "data"
    with serving(folder, "--trusted-proxies", "127.0.0.1") as server:
        group = ("--group", "</bdi></a></th></tr></tbody></table></main>")
        command("site", "add", SITE, *group, "--data", str(folder))
        command("site", "add", EMPTY, "--data", str(folder))
        goal = ("--event", "pageview", "--name", "Every")
        command("goal", "add", SITE, *goal, "--data", str(folder))
        said = command("account", "link", "--data", str(folder), "--url", server.url)
        link = re.search(r"/welcome/\S+", said)
        assert link
        with browser.new_context() as context:
            page = context.new_page()
            page.goto(server.url + link[0])
            page.fill("[name=name]", "Olga")
            page.fill("[name=password]", PASSWORD)
            page.click("main button")
            page.wait_for_url(re.compile("/(sites|account|sign-in)"))
            page.wait_for_timeout(1_500)  # all workers know a new account by then
            page.goto(f"{server.url}/sites")
            assert page.url.endswith("/sites")
            state = context.storage_state()
        for text in filter(str.isprintable, PAYLOADS):
            command("annotation", "add", SITE, text, "--data", str(folder))
        found = Owner(server, state)
        _send(found)
        token = command(
            *("token", "add", "--site", SITE, "--scope", "stats"),
            *("--data", str(folder)),
        ).split()[-1]
        wait_until(lambda: _events(server, token) >= 2 * len(PAYLOADS) + 1)
        yield found


def _send(owner: Owner) -> None:
    owner.hit("/")
    for person, payload in enumerate(PAYLOADS):
        quoted = quote(payload)
        owner.hit(
            f"/{payload}?utm_source={quoted}&utm_campaign={quoted}",
            person,
            referrer=f"https://{payload}.example/{payload}",
        )
        props = {payload[:50]: payload, "plan": payload}
        owner.hit("/event", person, name=payload, props=props)
    owner.hit("/long/" + 380 * "wide/")
    owner.hit("/", referrer="https://semalt.com/")
    owner.hit("/", domain=f"shop.{SITE}")


def _events(server: Running, token: str) -> int:
    answer = requests.post(
        f"{server.url}/api/v2/query",
        json={"site_id": SITE, "metrics": ["events"], "date_range": "day"},
        headers={"Authorization": f"Bearer {token}"},
        timeout=ANSWER_SECONDS,
    )
    return int(answer.json()["results"][0]["metrics"][0])


@dataclass
class Watched:
    """A page, and what the browser complained of."""

    page: Page
    complaints: list[str]


def watched(context: BrowserContext) -> Watched:
    found = Watched(context.new_page(), [])
    page = found.page
    page.on("pageerror", lambda error: found.complaints.append(str(error)))
    page.on("console", lambda message: found.complaints.append(message.text))
    page.on("dialog", lambda dialog: found.complaints.append(dialog.message))
    return found


@pytest.fixture
def opened(browser: Browser, owner: Owner) -> Iterator[Watched]:
    """A page of the owner; any complaint of the browser fails the test."""
    with browser.new_context(
        storage_state=owner.state, base_url=owner.server.url
    ) as context:
        found = watched(context)
        yield found
    assert not found.complaints


TABS = (
    *("", "?sources=utm_source", "?sources=utm_campaign", "?sources=referrer"),
    *("?pages=entry_page", "?pages=exit_page", "?events=name", "?events=props:plan"),
)


@pytest.mark.parametrize("tab", TABS)
def test_nothing_that_was_sent_is_run(opened: Watched, tab: str) -> None:
    page = opened.page
    panel = re.search("([a-z]+)=", tab)
    listed = f"/{SITE}/list/{panel[1]}{tab}" if panel else "/sites"
    for path in (f"/{SITE}{tab}", listed):
        page.goto(path)
        assert page.title().endswith("Page Tracker")
        links = page.eval_on_selector_all("a", "all => all.map(a => a.protocol)")
        assert set(links) <= {"http:", "https:"}
    if panel and "referrer" not in tab:  # hosts that are none are stored nowhere
        assert "{{7*7}}" in page.locator("main").inner_text()


def test_a_filter_by_each_payload_is_shown_and_not_run(opened: Watched) -> None:
    """The first is added, and each other one put into its place."""
    page = opened.page
    page.goto(f"/{SITE}")
    for number, payload in enumerate(PAYLOADS):
        menu = page.locator("#chip1" if number else "#add")
        menu.locator("summary").click()
        form = menu.locator("form")
        form.locator("[name=dimension]").select_option("page")
        form.locator("[name=operator]").select_option("contains")
        form.locator("[name=value]").fill(payload)
        with page.expect_navigation():
            form.locator("button").click()
        assert page.locator(".chip").inner_text().split()[:2] == ["Page", "contains"]
        assert payload.split()[0][:5] in page.locator(".chip").inner_text()


def fits(page: Page, width: int) -> bool:
    """Whether nothing of a page stands out, neither of the window nor of its cards."""
    return bool(page.evaluate(FITS, width))


@pytest.mark.parametrize("path", [*VIEWS, *OTHERS])
def test_everybody_can_use_it_on_every_screen(
    browser: Browser, owner: Owner, path: str
) -> None:
    with browser.new_context(
        storage_state=owner.state,
        base_url=owner.server.url,
        bypass_csp=True,  # axe is no script of ours
    ) as context:
        page = context.new_page()
        page.goto(path)
        bring_axe(page)
        details = page.locator("main details:not(.menu)")
        for is_open in (False, True) if details.count() else (True,):
            details.evaluate_all("(all, open) => all.map(e => e.open = open)", is_open)
            # What is to be read while they are shut is there too when they are open,
            # and in the same colours.
            found_on = complaints if is_open else complaints_but_of_colours
            for width in WIDTHS:
                show_at(page, width)
                assert not found_on(page), (width, is_open)
                assert fits(page, width), width


def test_it_fits_a_very_narrow_screen(opened: Watched) -> None:
    opened.page.set_viewport_size({"width": 320, "height": 600})
    for path in VIEWS:
        opened.page.goto(path)
        assert fits(opened.page, 320), path


def test_a_new_hit_is_shown_by_itself_and_nothing_that_is_open_shuts(
    opened: Watched, owner: Owner
) -> None:
    page = opened.page
    page.goto(f"/{SITE}?period=day")
    page.click("#points summary")
    page.focus("#sources-title ~ nav a >> nth=1")
    page.evaluate("scrollTo(0, 300)")

    views = int(page.locator(".figures strong").nth(2).inner_text())
    owner.hit("/quite/new")
    wanted = page.locator(".figures strong").nth(2).filter(has_text=str(views + 1))
    wanted.wait_for(timeout=50_000)

    assert page.locator("#points").get_attribute("open") is not None
    assert page.evaluate("document.activeElement.textContent") == "Channels"
    assert page.evaluate("scrollY") == 300


def test_a_server_that_is_away_leaves_the_figures_and_says_how_old_they_are(
    browser: Browser, owner: Owner
) -> None:
    with browser.new_context(
        storage_state=owner.state, base_url=owner.server.url
    ) as context:
        page = context.new_page()
        page.goto(f"/{SITE}")
        before = page.locator(".figures").inner_text()
        context.set_offline(True)
        page.wait_for_selector("#age.stale", timeout=30_000)
        assert "does not answer" in page.locator("#age").inner_text()
        assert page.locator(".figures").inner_text() == before
        context.set_offline(False)
        page.wait_for_selector("#age:not(.stale)", timeout=30_000)


def test_keys_choose_days_unless_something_is_written(opened: Watched) -> None:
    page = opened.page
    page.goto(f"/{SITE}")
    page.keyboard.press("Control+d")
    page.keyboard.press("Alt+ArrowLeft")
    assert page.url.endswith(f"/{SITE}")
    page.keyboard.press("w")
    page.wait_for_url(re.compile("period=7d"))
    page.keyboard.press("/")
    page.keyboard.type("dew")
    assert page.locator("#add [name=value]").input_value() == "dew"
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(re.compile(r"\.\."))
    page.go_back()
    page.wait_for_url(re.compile("period=7d"))


def test_keys_are_listed_and_can_be_turned_off(opened: Watched) -> None:
    page = opened.page
    page.goto(f"/{SITE}")
    page.keyboard.press("?")
    page.get_by_label("Use keys").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("w")
    page.wait_for_timeout(300)
    assert page.url.endswith(f"/{SITE}")
    page.reload()
    page.keyboard.press("w")
    page.wait_for_timeout(300)
    assert page.url.endswith(f"/{SITE}")
    page.click("#show-keys")
    page.get_by_label("Use keys").check()


def test_the_chart_is_told_point_by_point(opened: Watched) -> None:
    page = opened.page
    page.goto(f"/{SITE}?period=7d&compare=none")
    rows = page.locator("#points tbody tr")
    last = rows.last.locator("th, td").all_text_contents()
    page.focus(".plot")
    page.keyboard.press("End")
    assert page.locator("output.point").inner_text() == f"{last[0]}: {last[1]}"
    page.keyboard.press("ArrowLeft")
    assert page.locator("output.point").inner_text() != f"{last[0]}: {last[1]}"
    assert page.url.endswith("compare=none")


def test_a_country_on_the_map_is_a_filter(opened: Watched) -> None:
    page = opened.page
    page.goto(f"/{SITE}")
    page.click("#places >> text=Map")
    country = page.locator(".world a")
    # The shape comes out of a file of its own.
    page.wait_for_load_state("networkidle")
    assert country.evaluate("each => each.getBBox().width") > 50
    assert (country.text_content() or "").startswith("United States: ")

    country.click()

    page.wait_for_url(re.compile("f=is~country~US"))
    assert page.locator(".world a").count() == 1


def test_all_can_be_read_without_a_script(browser: Browser, owner: Owner) -> None:
    with browser.new_context(
        storage_state=owner.state,
        base_url=owner.server.url,
        java_script_enabled=False,
    ) as context:
        page = context.new_page()
        page.goto(f"/{SITE}")
        page.click("text=Channels")
        page.wait_for_url(re.compile("sources=channel"))
        page.click("#period summary")
        page.click("text=Last 7 days")
        page.wait_for_url(re.compile("period=7d"))
        page.locator("#pages").get_by_role("link", name=re.compile("^All|More")).click()
        page.fill("[name=search]", "long")
        page.click("main [role=search] button")
        page.wait_for_url(re.compile("search=long"))
        assert page.locator("tbody tr").count() == 1


def test_the_whole_page_is_small(owner: Owner) -> None:
    """All that a first view loads, packed as any proxy packs it."""
    cookies = {each["name"]: each["value"] for each in owner.state["cookies"]}
    size = 0
    for path in (f"/{SITE}", "/static/pages.css", "/static/pages.js"):
        answer = requests.get(
            owner.server.url + path, cookies=cookies, timeout=ANSWER_SECONDS
        )
        assert answer.status_code == 200
        size += len(gzip.compress(answer.content, 6))
    assert size <= 40_000


def test_what_was_left_out_is_let_in_by_a_click_and_left_out_again(
    opened: Watched,
) -> None:
    page = opened.page
    page.goto(f"/{SITE}")
    page.click("#left-out summary:has-text('Referrer spam')")
    page.get_by_role("button", name="Count from now on semalt.com").click()
    page.wait_for_url("**#left-out")
    page.locator(".let-in", has_text="by Olga").wait_for()
    page.get_by_role("button", name="Leave out again semalt.com").click()
    page.locator(".let-in").wait_for(state="detached")
