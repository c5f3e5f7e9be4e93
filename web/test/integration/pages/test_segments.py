"""The filters that are on, kept as a segment from the page, and asked by it."""

import html
import re

import pytest

from page_tracker import app as app_module
from page_tracker.people.roles import Role
from support.people import Visitor, signed_in

SITE = "a.example"
PAYLOAD = "\"><script>document.title='run'</script>"
QUERY = "?period=7d&f=is~country~DE|FR&f=contains_not~page~/blog/"


@pytest.fixture
def eve() -> Visitor:
    """An editor of the site."""
    app_module.sites().add(SITE, {})
    return signed_in("eve", Role.EDITOR, [SITE])


def keep(person: Visitor, name: str, query: str = QUERY) -> str:
    answer = person.post(f"/{SITE}/segments", name=name, query=query)
    assert answer.status_code == 303, answer.text
    return answer.location


def kept(number: int) -> object:
    return app_module.sites().get(SITE).segments[number - 1].filters


def test_filters_are_kept_and_shown_by_their_name(eve: Visitor) -> None:
    form = f'action="/{SITE}/segments"'
    assert form not in eve.get(f"/{SITE}").text  # there is nothing to keep
    assert form in eve.get(f"/{SITE}{QUERY}").text

    where = keep(eve, PAYLOAD)

    assert where == f"/{SITE}?period=7d&f=is~segment~1"
    assert kept(1) == (
        ["is", "visit:country", ["DE", "FR"]],
        ["contains_not", "event:page", ["/blog/"]],
    )
    page = eve.get(where).text
    assert "<script>document" not in page
    button = re.search(
        r'href="([^"]*)" aria-current="true"><bdi>(.*?)</bdi></a>\n', page
    )
    assert button and html.unescape(button[2]) == PAYLOAD
    assert html.unescape(button[1]) == "?period=7d"  # one click takes it off
    around = "?period=7d&amp;f=is_not~segment~1"
    assert f'href="{around}">Invert</a>' in page
    assert 'role="alert"' not in eve.get(f"/{SITE}{html.unescape(around)}").text


def test_what_is_kept_has_no_segment_in_it_and_any_stays_any(eve: Visitor) -> None:
    keep(eve, "one", "?f=is~country~DE")
    keep(eve, "two", "?f=is~page~/a&f=is_not~segment~1&filters=any")
    keep(eve, "three", "?f=is~segment~1|2")
    german = ["and", [["is", "visit:country", ["DE"]]]]
    two = ["or", [["is", "event:page", ["/a"]], ["not", ["or", [german]]]]]
    assert kept(2) == (two,)
    assert kept(3) == (["or", [german, ["and", [two]]]],)
    assert 'role="alert"' not in eve.get(f"/{SITE}?f=is~segment~3").text


@pytest.mark.parametrize(
    ("name", "query", "told"),
    [
        (" ", QUERY, "give the segment a name"),
        ("x" * 121, QUERY, "120 characters at most"),
        ("x", "", "needs at least one filter"),
        ("x", "?f=is~segment~9", "there is no segment 9"),
    ],
)
def test_what_is_no_segment_is_told_on_a_page(
    eve: Visitor, name: str, query: str, told: str
) -> None:
    refused = eve.post(f"/{SITE}/segments", name=name, query=query)
    assert refused.status_code == 400
    assert told.casefold() in html.unescape(refused.text).casefold()


def test_a_viewer_uses_segments_and_keeps_none(eve: Visitor) -> None:
    keep(eve, "Ours")
    bob = signed_in("bob", Role.VIEWER, [SITE])
    page = bob.get(f"/{SITE}{QUERY}").text
    assert "<bdi>Ours</bdi>" in page and "Keep as a segment" not in page
