"""A site's settings, and its experiments, in a real browser: used without a script, by
everybody, safely."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from page_tracker.days import DAY_SECONDS, date_of
from page_tracker.lake.table import Lake, append
from page_tracker.schema import HITS
from support.everybody import WIDTHS, bring_axe, complaints, show_at
from support.hits import row
from support.processes import serving

# Fetching a browser, where none is there, takes minutes.
pytestmark = pytest.mark.timeout(900)

SITE = "example.com"
OLD = 20_000  # a day of 2024
PAYLOAD = "\"'><script>document.title='run'</script><svg onload=document.title='run'>"
LATE = int(time.time()) // DAY_SECONDS - 1
SETTINGS = ("", "/goals", "/tokens", "/deletion", "/deletion/site", "/own-visits")
VIEWS = (
    *(f"/settings{view}" for view in SETTINGS),
    f"/experiments?period=7d&groups=entry_page&goal={quote(PAYLOAD)}",
)


@dataclass(frozen=True)
class Owner:
    """Where a server is, and the browser's state once its owner has signed in."""

    url: str
    state: Any


@pytest.fixture(scope="module")
def owner(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Owner]:
    folder = tmp_path_factory.mktemp("settings") / "data"
    lake = Lake(str(folder / "lake"))
    rows = [row(f"/{n}", OLD + n % 2, n, SITE) for n in range(1, 1_235)]
    rows += [row(f"/{n % 2}", LATE, 2_000 + n, SITE) for n in range(40)]
    append(lake.snapshot("hits"), HITS, rows, "one", 1)
    with serving(folder) as server, browser.new_context() as context:
        page = context.new_page()
        page.goto(server.said().partition("your account ")[2].split()[0])
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill("quiet river under old bridges")
        page.get_by_role("button", name="Make account").click()
        page.get_by_label("Domain").fill(SITE)
        page.get_by_role("button", name="Add it").click()
        page.wait_for_url("**/install")
        yield Owner(server.url, context.storage_state())


def test_all_is_set_without_a_script(browser: Browser, owner: Owner) -> None:
    with browser.new_context(
        storage_state=owner.state, base_url=owner.url, java_script_enabled=False
    ) as context:
        page = context.new_page()
        page.goto(f"/{SITE}")
        page.get_by_role("link", name="Settings").click()
        _sets_what_counts(page)
        _adds_a_goal(page)
        _makes_a_token(page)
        _sets_retention(page)


def _sets_what_counts(page: Page) -> None:
    form = page.locator("#counting")
    form.get_by_label("Blocked pages").fill("/admin*\nabout")
    form.get_by_role("button", name="Save").click()
    wrong = form.get_by_label("Blocked pages")
    expect(wrong).to_be_focused()
    expect(wrong).to_have_value("/admin*\nabout")
    expect(form.get_by_role("alert")).to_contain_text("write one like /about")
    wrong.fill("/admin*\n/about")
    form.get_by_label("Respect Do Not Track").check()
    form.get_by_role("button", name="Save").click()
    told = page.get_by_role("status")
    expect(told).to_contain_text("Blocked pages: (none) → /admin*, /about")
    expect(told).to_contain_text("Respect Do Not Track: false → true")


def _adds_a_goal(page: Page) -> None:
    page.get_by_role("link", name="Goals and segments").click()
    page.get_by_label("Event").fill(PAYLOAD)
    page.get_by_role("button", name="Add it").click()
    expect(page.locator("#goals")).to_contain_text(PAYLOAD)


def _makes_a_token(page: Page) -> None:
    page.get_by_role("link", name="Tokens").click()
    page.get_by_label("Name").fill(PAYLOAD)
    page.get_by_role("button", name="Make it").click()
    secret = page.locator("#secret").inner_text()
    assert secret.startswith("pt_")
    page.get_by_role("link", name="Tokens").click()
    expect(page.locator("tbody")).to_contain_text(PAYLOAD)
    assert secret not in page.content()


def _sets_retention(page: Page) -> None:
    page.get_by_role("link", name="Deletion").click()
    form = page.locator("#retention")
    form.get_by_label("Retention days").fill("30")
    form.get_by_role("button", name="Save").click()
    days = f"{date_of(OLD)} to {date_of(OLD + 1)}"
    expect(form).to_contain_text(f"1,234 hits of {days} are older than that")
    form.get_by_label("Repeat the number").fill("1,234")
    form.get_by_role("button", name="Set it").click()
    expect(page.get_by_role("status")).to_contain_text("Retention days: all → 30")


def test_everybody_can_use_it_and_nothing_that_was_typed_is_run(
    browser: Browser, owner: Owner
) -> None:
    errors: list[str] = []
    with browser.new_context(
        storage_state=owner.state,
        base_url=owner.url,
        bypass_csp=True,  # axe is no script of ours
    ) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"/{SITE}/settings")
        _adds_a_goal(page)
        _makes_a_token(page)
        for view in VIEWS:
            page.goto(f"/{SITE}{view}")
            assert page.title().endswith(f"{SITE} · Page Tracker")
            bring_axe(page)
            for width in WIDTHS:
                show_at(page, width)
                _fits(page, width)
                assert not complaints(page), (view, width)
    assert not errors


def _fits(page: Page, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width
