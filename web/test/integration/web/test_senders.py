"""What senders send, from the bytes of a request to what is stored of it."""

from __future__ import annotations

from typing import Any

import pytest

from page_tracker.hits.clicks import CLICK_TAGS
from page_tracker.hits.page import page_of
from support.door import PAGE, SITE, Door


@pytest.mark.parametrize("name", ["pageview", "engagement", "download"])
def test_an_event_is_one_whatever_its_name(door: Door, name: str) -> None:
    door.pixel(p="/a")
    assert door.pixel(p=name, e="true").headers.get("X-Goatcounter") is None

    view, event = door.rows()
    assert (view.name, view.step, view.view) == ("pageview", 1, 1)
    assert (event.name, event.step, event.view) == (name, 2, 0)
    assert event.interaction == 2
    assert door.live.total(SITE) == 1


def test_a_site_and_its_further_host_in_one_list_are_one_site(door: Door) -> None:
    door.sites.change(SITE, {"hostnames": ["b.example"]}, by="a test")
    door.wait(seconds=2)
    door.event(d=f"{SITE},b.example,www.{SITE}")
    assert len(door.rows()) == 1


def test_a_long_address_keeps_its_page_and_its_campaign(door: Door) -> None:
    clicks = "&".join(f"click{n}={'0' * 200}" for n in range(100))
    answer = door.event(u=f"{PAGE}?{clicks}&utm_source=paper#{'x' * 9_000}")
    assert (answer.status_code, answer.headers.get("x-page-tracker-dropped")) == (
        202,
        None,
    )
    (row,) = door.rows()
    assert (row.path, row.utm_source) == ("/a", "paper")


@pytest.mark.parametrize("tag", CLICK_TAGS)
def test_a_long_address_keeps_which_advertisement_was_clicked(tag: str) -> None:
    asked = "&".join(f"word{n}={'0' * 200}" for n in range(100))

    assert page_of(f"{PAGE}?{asked}&{tag.upper()}=x7").query == f"{tag.upper()}=x7"


def test_a_long_path_is_cut_where_it_is_kept_and_no_view_is_lost(door: Door) -> None:
    path = "/" + "%E6%96%87" * 1_999
    for more in ("", "a"):
        assert door.event(u=f"https://{SITE}{path}{more}").status_code == 202
    assert [len(row.path) for row in door.rows()] == [2_000, 2_000]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"u": ""}, "url: is required"),
        ({"u": f"https://{SITE}/" + "a" * 65_536}, "url: should be at most 65536"),
        ({"n": "", "u": "data:x"}, "event_name: can't be blank; url: scheme"),
        ({"n": "Buy", "p": {"k": "v" * 2_001}}, "props: keys should have at most"),
        ({"id": 5}, "id: must be a string"),
    ],
)
def test_what_is_refused_is_told_the_owner_too(
    door: Door, said: dict[str, Any], why: str
) -> None:
    assert door.event(**said).status_code == 400
    assert door.rows() == []
    ((reason, name, number),) = door.drops()
    assert (reason, number) == ("invalid", 1)
    assert name.startswith(why)


def test_a_pixel_that_is_refused_is_told_the_owner_too(door: Door) -> None:
    assert door.pixel(p=" ").status_code == 400
    assert door.drops() == [("invalid", "path: must be set", 1)]


def test_a_refusal_for_nobody_we_know_is_an_answer_all_the_same(door: Door) -> None:
    assert door.event(u="", d="nobody.example").status_code == 400
    assert door.event(u="", d="").status_code == 400
    assert door.rows() == [] and door.drops() == []


def test_revenue_that_cannot_be_read_is_told_and_its_event_counts(door: Door) -> None:
    door.event(n="Buy", **{"$": {"amount": "1.299,00 €"}})
    answer = door.event(n="Buy", **{"$": {"amount": "1,299", "currency": "EUR"}})
    assert answer.headers["x-page-tracker-dropped"] == "invalid_revenue (1,299 EUR)"
    assert "x-plausible-dropped" not in answer.headers
    assert [(row.revenue, row.currency) for row in door.rows()] == [
        (1_299_000, "EUR"),
        (None, ""),
    ]
    assert door.drops() == [("invalid_revenue", "1,299 EUR", 1)]


@pytest.mark.parametrize(
    "url",
    ["file:///home/ada/diary.html", "chrome-extension://abc/a.html", "about:blank"],
)
@pytest.mark.parametrize("name", ["pageview", "engagement", "Buy"])
def test_nothing_of_a_visitors_disk_is_stored(door: Door, url: str, name: str) -> None:
    answer = door.event(n=name, u=url, e=1)
    scheme = url.partition(":")[0]
    assert answer.headers["x-page-tracker-dropped"] == f"blocked_scheme ({scheme})"
    assert door.rows() == []
    assert door.drops() == [("blocked_scheme", scheme, 1)]


def test_an_apps_pages_count_where_the_site_says_so(door: Door) -> None:
    door.sites.change(SITE, {"page_schemes": ["capacitor"]}, by="a test")
    door.wait(seconds=2)
    door.event(u="capacitor://localhost/a")
    assert [(row.hostname, row.path) for row in door.rows()] == [("localhost", "/a")]


def engaged(door: Door) -> list[int | None]:
    """Milliseconds, of each engagement that is stored."""
    return [row.engaged for row in door.rows() if row.name == "engagement"]


def test_a_long_read_is_stored_as_a_whole_where_it_is_told_meanwhile(
    door: Door,
) -> None:
    door.event()
    for _ in range(4):
        door.wait(minutes=21)
        door.event(n="engagement", e=21 * 60_000)
    door.wait(minutes=31)  # the visit is over
    answer = door.event(n="engagement", e=60_000)
    assert answer.headers["x-page-tracker-dropped"] == "no_visit"
    assert engaged(door) == [21 * 60_000] * 4
    assert len({row.visit for row in door.rows()}) == 1


@pytest.mark.parametrize(
    ("passed", "told", "stored"),
    [
        (60, 60_000, 60_000),
        (0, 5_000, 5_000),  # what is sent at once may overtake what was sent again
        (10, 8 * 3_600_000, 70_000),  # the laptop slept
        (1, 2**40, 61_000),
        (-3_600, 10_000, 10_000),  # the server's own clock was set back
        (-3_600, 8 * 3_600_000, 60_000),
    ],
)
def test_reading_takes_no_longer_than_can_have_passed(
    door: Door, passed: float, told: int, stored: int
) -> None:
    door.event()
    door.wait(seconds=passed)
    door.event(n="engagement", e=told)
    assert engaged(door) == [stored]


def test_a_clock_that_was_set_back_tells_nothing_of_reading(door: Door) -> None:
    door.event()
    assert door.event(n="engagement", e=-5_000).status_code == 400
    assert door.event(n="engagement", e=-5_000, sd=40).status_code == 202
    (row,) = (row for row in door.rows() if row.name == "engagement")
    assert (row.engaged, row.scroll) == (None, 40)
