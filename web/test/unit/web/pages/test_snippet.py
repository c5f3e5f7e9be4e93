"""The code for a website's pages, and what is said of its address."""

import pytest

from page_tracker.web.pages.snippet import policy_line, warnings, ways

URL = "https://stats.example.com"


def code(name: str, site: str = "a.example", address: str = URL) -> str:
    return {way.name: way.code for way in ways(site, address)}[name]


def test_the_line_is_that_of_the_command() -> None:
    assert (
        code("html")
        == code("frameworks")
        == (
            '<script defer data-domain="a.example"'
            ' src="https://stats.example.com/js/script.js"></script>'
        )
    )


def test_each_way_names_the_site_or_the_server() -> None:
    for way in ways("a.example", URL):
        assert "a.example" in way.code or URL in way.code
    assert len({way.name for way in ways("a.example", URL)}) == 8
    assert "--follow" in code("log") and "/hit/" in code("pixel")


def test_nothing_escapes_from_the_line() -> None:
    for way in ("html", "plausible", "goatcounter", "umami", "matomo"):
        assert '"><script>' not in code(way, '"><script>', '"><script>')


def test_the_policy_allows_loading_and_sending() -> None:
    assert policy_line(URL) == f"script-src {URL}; connect-src {URL}"


@pytest.mark.parametrize(
    ("address", "at", "told"),
    [
        (URL, URL, []),
        ("http://stats.example.com", URL, ["by https cannot load"]),
        ("http://localhost:8000", "http://localhost:8000", ["this machine alone"]),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", ["this machine alone"]),
        ("http://[::1]:8000", "http://[::1]:8000", ["this machine alone"]),
        (URL, "https://stats.example.com:8443", ["port 8443"]),
        ("https://stats.example.com:8443", "https://stats.example.com:8443", []),
    ],
)
def test_what_may_keep_browsers_away_is_said(
    address: str, at: str, told: list[str]
) -> None:
    found = list(warnings(address, at))
    assert len(found) == len(told)
    assert all(part in text for part, text in zip(told, found, strict=True))
