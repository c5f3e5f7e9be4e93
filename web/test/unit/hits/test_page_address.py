"""A page's address taken apart, whatever it is."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from page_tracker.hits.page import page_of


@pytest.mark.parametrize(
    ("url", "hostname", "path"),
    [
        ("https://example.org", "example.org", "/"),
        ("https://WWW.Example.ORG:8443/A%20b/?q#", "example.org", "/A b/"),
        ("https://user:pw@example.org/x", "example.org", "/x"),
        ("https://[2001:db8::1]:80/x", "2001:db8::1", "/x"),
        ("https://bücher.example/ä", "xn--bcher-kva.example", "/ä"),
        ("https://example.org/%E4%", "example.org", "/\N{REPLACEMENT CHARACTER}%"),
        ("https://example.org/a%00%0A%1bb", "example.org", "/ab"),
        ("https://example.org/\ud800x", "example.org", "/x"),
        ("https://example.org/#/route%20x", "example.org", "/#/route x"),
        ("https://[broken/x", "", "/"),
        ("https://example.org:port/x", "example.org", "/x"),
        ("/only/a/path", "", "/only/a/path"),
        ("example.org/x", "", "/example.org/x"),
        ("about:blank", "", "/blank"),
        ("", "", "/"),
    ],
)
def test_an_address_is_taken_apart_whatever_it_is(
    url: str, hostname: str, path: str
) -> None:
    page = page_of(url)
    assert (page.hostname, page.path) == (hostname, path)


LONG = "x=" + "0" * 3_000


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("a=1&utm_source=s", "a=1&utm_source=s"),  # short: looked at as a whole
        (f"{LONG}&utm_source=a%26b&UTM_medium=c", "utm_source=a%26b&UTM_medium=c"),
        (f"gclid=1&ref=r&{LONG}&utm_term=t", "utm_term=t&gclid=1&ref=r"),
        (f"amp;utm_source=s&{LONG}", "amp;utm_source=s"),
        (f"utm_id=1&utm_id=2&{LONG}", "utm_id=1"),
        (LONG, ""),
    ],
)
def test_of_a_long_query_the_campaign_is_kept(query: str, kept: str) -> None:
    assert page_of(f"https://example.org/a?{query}").query == kept


@given(
    path=st.text(max_size=30)
    | st.builds(str.__mul__, st.characters(), st.integers(0, 2000)),
    query=st.text(max_size=30),
)
def test_what_is_left_out_of_a_long_address_changes_no_page(
    path: str, query: str
) -> None:
    url = f"https://example.org/{quote(path, errors='replace')}"
    short = page_of(url)
    long = page_of(f"{url}?{quote(query, errors='replace')}&{LONG}&ref=r")
    assert (long.hostname, long.path) == (short.hostname, short.path)
    assert long.query.endswith("ref=r")
