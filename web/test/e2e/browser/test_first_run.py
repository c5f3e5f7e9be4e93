"""From the link that the server says to the first hit, in a real browser."""

from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, expect

from support.pace import ANSWER_SECONDS
from support.processes import serving

# Fetching a browser, where none is there, takes minutes.
pytestmark = pytest.mark.timeout(900)
PERSON = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)


def hit(server: str, domain: str) -> None:
    """A view of a page, as its browser sends it."""
    view = {"name": "pageview", "domain": domain, "url": f"https://{domain}/"}
    sent = requests.post(
        f"{server}/api/event",
        json=view,
        headers={"User-Agent": PERSON},
        timeout=ANSWER_SECONDS,
    )
    assert sent.status_code == 202


def test_a_person_gets_from_the_link_to_the_first_hit(
    browser: Browser, tmp_path: Path
) -> None:
    problems: list[str] = []
    with (
        serving(tmp_path / "data") as server,
        browser.new_context(timezone_id="Asia/Tokyo") as context,
    ):
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(server.said().partition("your account ")[2].split()[0])
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill("quiet river under old bridges")
        page.get_by_role("button", name="Make account").click()

        expect(page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")
        page.get_by_label("Domain").fill("a.example")
        page.get_by_role("button", name="Add it").click()

        line = f'data-domain="a.example" src="{server.url}/js/script.js"'
        expect(page.locator("#code")).to_contain_text(line)
        hit(server.url, "shop.a.example")
        told = page.get_by_text("a hit for shop.a.example: no such site")
        expect(told).to_be_visible(timeout=30_000)
        page.get_by_role("button", name="Add as host").click()
        hit(server.url, "shop.a.example")

        page.wait_for_url("**/a.example*", timeout=30_000)
        expect(page.get_by_role("heading", level=1)).to_contain_text("a.example")
        assert not problems
