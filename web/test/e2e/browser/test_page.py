"""The counter page in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page
from redis import Redis

from support.contrast import contrast

Scheme = Literal["light", "dark"]

# Fetching a browser, where none is there, takes minutes.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> Scheme:
    chosen: Scheme = request.param
    return chosen


@pytest.fixture
def page(browser: Browser, scheme: Scheme) -> Iterator[Page]:
    """A page of a person who prefers the scheme; any error on it fails the test."""
    errors: list[str] = []
    with browser.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text))
        page.on("requestfailed", lambda request: errors.append(request.url))
        yield page
    assert not errors


def test_each_load_is_counted_once(
    page: Page, redis_client: Redis, flask_url: str
) -> None:
    redis_client.set("page_views", 122)

    for expected in (123, 124):
        page.goto(flask_url, wait_until="networkidle")
        text = page.locator("main").inner_text()
        assert text == f"This page has been seen {expected} times."
        assert page.title() == text

    assert redis_client.get("page_views") == b"124"


def test_going_back_is_a_view_too(
    page: Page, redis_client: Redis, flask_url: str
) -> None:
    redis_client.set("page_views", 0)

    page.goto(flask_url, wait_until="networkidle")
    page.goto("about:blank")
    page.go_back(wait_until="networkidle")

    assert page.locator("main").inner_text() == "This page has been seen 2 times."


def test_the_sentence_is_easy_to_read_in_light_and_dark(
    page: Page, flask_url: str, scheme: Scheme, tmp_path: Path
) -> None:
    page.goto(flask_url, wait_until="networkidle")
    colour = "element => getComputedStyle(element)"
    ink = page.locator("p").evaluate(f"{colour}.color")
    card = page.locator("main").evaluate(f"{colour}.backgroundColor")
    ground = page.locator("body").evaluate(f"{colour}.backgroundColor")
    page.screenshot(path=tmp_path / f"{scheme}.png")

    assert contrast(ink, card) >= 7
    is_dark = contrast(ground, "rgb(0, 0, 0)") < contrast(ground, "rgb(255, 255, 255)")
    assert is_dark == (scheme == "dark")


@pytest.mark.parametrize("width", [320, 1920])
def test_it_fits_narrow_and_wide_screens(
    page: Page, redis_client: Redis, flask_url: str, width: int
) -> None:
    redis_client.set("page_views", 10**15)
    page.set_viewport_size({"width": width, "height": 600})
    page.goto(flask_url, wait_until="networkidle")

    assert page.evaluate("document.documentElement.scrollWidth") <= width
