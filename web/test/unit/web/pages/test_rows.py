"""What a row leads to."""

from __future__ import annotations

import pytest

from page_tracker.web.pages.address_filter import condition_of
from page_tracker.web.pages.rows import is_web, narrowed, outside
from page_tracker.web.pages.view import View


@pytest.mark.parametrize(
    ("dimension", "value", "address"),
    [
        ("event:page", "/blog/", "https://a.org/blog/"),
        ("event:page", "(not set)", ""),
        ("visit:referrer", "news.example/item?id=1", "https://news.example/item?id=1"),
        ("visit:referrer", "Direct / None", ""),
        ("visit:referrer", "javascript://x%0aalert(1)", ""),
        ("visit:referrer", "<script>.example/", ""),
        ("visit:source", "google.com", ""),
        ("event:hostname", "shop.a.org", "https://shop.a.org/"),
    ],
)
def test_only_what_is_a_page_of_the_web_is_linked(
    dimension: str, value: str, address: str
) -> None:
    assert outside(dimension, value, "a.org") == address


@pytest.mark.parametrize(
    "address",
    [
        *("javascript:alert(1)", "data:text/html,x", "//a.org", "https://", "http://["),
        *("https://a b.org/", "https://<b>/", "ftp://a.org/", "https://.org/"),
    ],
)
def test_what_browsers_take_for_something_else_is_no_link(address: str) -> None:
    assert not is_web(address)


def test_one_of_several_values_takes_their_place() -> None:
    view = View(filters=(condition_of("is~country~DE|FR"),))

    narrower = narrowed(view, condition_of("is~country~DE"))

    assert narrower.filters == (condition_of("is~country~DE"),)
    other = narrowed(view, condition_of("is~country~IT"))
    assert len(other.filters) == 2
