"""One's own account and others' in a real browser, and how each page fits and reads."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import segno
from playwright.sync_api import Browser, BrowserContext, Page, expect

from page_tracker.people import totp
from support.everybody import WIDTHS, bring_axe, complaints, show_at
from support.processes import Running, command, serving

# Fetching a browser, where none is there, takes minutes.
pytestmark = pytest.mark.timeout(900)

SITE = "a.example"
PASSWORD, NEW = "quiet river under old bridges", "loud harbour over new roofs"


@dataclass
class People:
    """A server, its data folder, and browsers in which somebody is signed in."""

    server: Running
    folder: Path
    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def page(self) -> Page:
        """A page of another browser; what that complains of fails the test."""
        context = self.browser.new_context(
            base_url=self.server.url,
            bypass_csp=True,  # axe is no script of ours
        )
        self.contexts.append(context)
        return context.new_page()

    def said(self, *words: str) -> str:
        """What a command prints of the server's folder."""
        return command(*words, "--data", str(self.folder))

    def account(self, name: str, *given: str) -> Page:
        """A browser in which an account of this name has just been made."""
        link = self.said("account", "add", name, *given, "--url", self.server.url)
        page = self.page()
        page.goto(link.split()[-1])
        self.look(page, "welcome-password")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Set password").click()
        page.wait_for_url(re.compile("/sites"))
        return page

    def look(self, page: Page, name: str) -> None:
        """See that everybody can use what a page shows, once a name."""
        if name in self.seen:
            return
        self.seen.add(name)
        bring_axe(page)
        for width in WIDTHS:
            show_at(page, width)
            assert not complaints(page), (name, width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name


@pytest.fixture(scope="module")
def people(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[People]:
    folder = tmp_path_factory.mktemp("people") / "data"
    with serving(folder) as server:
        command("site", "add", SITE, "--data", str(folder))
        found = People(server, folder, browser)
        yield found
        for context in found.contexts:
            context.close()


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.goto("/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def show_code(page: Page, code: str) -> None:
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Go on").click()


def drawn(page: Page) -> set[tuple[int, int]]:
    """The dark modules of the page's QR code: column and row, from its edge."""
    path: str = page.eval_on_selector(".qr svg path", "e => e.getAttribute('d')")
    found, x, y = set(), 0.0, 0.0
    for command_, numbers in re.findall(r"([Mmh])([-\d. ]+)", path):
        steps = [float(each) for each in numbers.split()]
        if command_ == "h":
            found |= {(int(x) + at, int(y)) for at in range(int(steps[0]))}
            x += steps[0]
        else:
            x, y = (0.0, 0.0) if command_ == "M" else (x, y)
            x, y = x + steps[0], y + steps[1]
    return found


def test_a_second_factor_is_read_from_its_picture_and_each_code_is_good_for_once(
    people: People,
) -> None:
    page = people.account("ada", "--role", "owner", "--all-sites")
    page.goto("/account")
    page.get_by_role("link", name="Turn it on").click()
    secret = page.locator("main p code").inner_text()
    address = totp.address_of(secret, "ada", people.server.url.partition("://")[2])
    assert f"secret={secret}" in unquote(address)
    code = segno.make(address, micro=False)
    dark = [
        (x, y) for y, row in enumerate(code.matrix) for x, on in enumerate(row) if on
    ]
    assert drawn(page) == {(x + 4, y + 4) for x, y in dark}

    page.get_by_label("Code").fill("000000")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_role("alert")).to_contain_text("present code")
    assert page.locator("main p code").inner_text() == secret
    people.look(page, "second-factor")
    behind = "e => getComputedStyle(e).backgroundColor"  # in dark, by now
    assert page.eval_on_selector(".qr", behind) == "rgb(255, 255, 255)"
    page.get_by_label("Code").fill(totp.code_at(secret, int(time.time()) // 30))
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_role("button", name="Turn it on").click()
    codes = page.locator("main pre").inner_text().split()
    assert len(codes) == 10
    people.look(page, "recovery-codes")
    page.goto("/account")
    assert "10 recovery codes are left" in page.locator("main").inner_text()

    other = people.page()
    for word, is_let_in in ((codes[0], True), (codes[0], False), (codes[1], True)):
        other.context.clear_cookies()
        sign_in(other, "ada")
        people.look(other, "code")
        show_code(other, word)
        if is_let_in:
            other.wait_for_url(re.compile("/sites"))
        else:
            expect(other.get_by_role("alert")).to_contain_text("used already")
    page.reload()
    assert "8 recovery codes are left" in page.locator("main").inner_text()
    people.look(page, "account-with-factor")
    page.get_by_label("Current password").last.fill(PASSWORD)
    page.get_by_role("button", name="Turn the second factor off").click()
    expect(page.get_by_role("link", name="Turn it on")).to_be_visible()
    other.goto("/account")  # another second factor ends the other sessions
    assert "/sign-in" in other.url


def test_sessions_end_one_by_one_and_all_others_with_another_password(
    people: People,
) -> None:
    page = people.account("bob", "--role", "viewer", "--site", SITE)
    others = [people.page() for _ in range(3)]
    for other in others:
        sign_in(other, "bob")
        other.wait_for_url(re.compile("/sites"))
    page.goto("/account")
    rows = page.locator("#sessions ~ .scroll tbody tr")
    assert rows.count() == 4
    assert rows.filter(has_text="Chrome on Linux (this one)").count() == 1
    rows.get_by_role("button").first.click()
    expect(rows).to_have_count(3)

    def signed_in() -> int:
        for other in others:
            other.goto("/account")
        return sum(other.url.endswith("/account") for other in others)

    assert signed_in() == 2
    page.get_by_label("Current password").fill("wrong")
    page.get_by_label("New password").fill(NEW)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("alert")).to_contain_text("not your present password")
    assert signed_in() == 2
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password").fill(NEW)
    page.get_by_role("button", name="Change password").click()
    expect(rows).to_have_count(1)
    assert signed_in() == 0
    sign_in(others[0], "bob")
    expect(others[0].get_by_role("alert")).to_contain_text("Name or password is wrong")
    people.look(others[0], "sign-in")
    sign_in(others[0], "bob", NEW)
    others[0].wait_for_url(re.compile("/sites"))

    page.goto("/account/remove")
    people.look(page, "remove-account")
    page.get_by_label("Current password").fill(NEW)
    page.get_by_role("button", name="Remove bob").click()
    page.wait_for_url(re.compile("/sign-in"))
    assert signed_in() == 0


def test_people_are_invited_taken_back_and_removed(people: People) -> None:
    page = people.account("olga", "--role", "owner", "--all-sites")
    for guest in ("Carol", "Dave"):
        page.goto(f"/sites/{SITE}/people")
        page.get_by_label("Role", exact=True).last.select_option("editor")
        page.get_by_label("For whom").fill(guest)
        page.get_by_role("button", name="Make a link").click()
    people.look(page, "people-of-a-site")
    link = page.locator(".alert pre").inner_text()
    page.get_by_role("button", name="Withdraw the invitation of Carol").click()
    expect(page.get_by_text("Carol")).to_have_count(0)

    dave = people.page()
    dave.goto(link)
    people.look(dave, "welcome-invitation")
    dave.get_by_label("Name").fill("dave")
    dave.get_by_label("Password").fill(PASSWORD)
    dave.get_by_role("button", name="Make account").click()
    dave.goto(f"/{SITE}")
    expect(dave.get_by_role("heading", level=1)).to_contain_text(SITE)
    dave.goto("/people")
    people.look(dave, "not-allowed")
    expect(dave.get_by_role("heading", level=1)).to_have_text("Not yours")

    page.goto("/people")
    people.look(page, "people")
    page.goto("/flags")
    people.look(page, "flags")
    page.goto("/people")
    page.get_by_role("link", name="dave").click()
    page.get_by_role("button", name="Make a link for a new password").click()
    people.look(page, "one-account")
    page.get_by_role("button", name="Remove dave").click()
    expect(page.get_by_role("link", name="dave")).to_have_count(0)
    dave.goto(f"/{SITE}")
    assert "/sign-in" in dave.url
    dave.goto(link)
    expect(dave.get_by_role("heading", level=1)).to_contain_text("does nothing")


def test_nothing_on_these_pages_breaks_the_policy(
    people: People, browser: Browser
) -> None:
    complaints: list[str] = []
    state: Any = people.account(
        "eve", "--role", "viewer", "--all-sites"
    ).context.storage_state()
    with browser.new_context(
        storage_state=state, base_url=people.server.url
    ) as context:
        page = context.new_page()
        page.on("console", lambda said: complaints.append(f"{page.url}: {said.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        for path in ("/account", "/account/second-factor", "/account/remove"):
            page.goto(path)
            assert page.locator("main").inner_text()
    assert not complaints
