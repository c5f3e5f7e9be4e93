"""What came for a site that waits, told in words."""

import pytest

from page_tracker.hits.first_hit import MOST, Arrival, Waiting, about, in_words, looked
from page_tracker.hits.hit import Reason

BOT = "bot\0HeadlessChrome"


def test_each_look_tells_what_came_since_the_one_before() -> None:
    waiting = looked(Waiting(views=0, since=0), {BOT: 2}, 10)
    waiting = looked(waiting, {BOT: 2}, 12)
    waiting = looked(waiting, {BOT: 5, "opted_out\0": 1}, 14)
    assert [(each.time, each.reason, each.number) for each in waiting.arrivals] == [
        (14, "opted_out", 1),
        (14, "bot", 3),
        (10, "bot", 2),
    ]


def test_looking_twice_at_the_same_tells_nothing_twice() -> None:
    before = looked(Waiting(views=0, since=0), {BOT: 1}, 10)
    assert looked(before, {BOT: 1}, 11).arrivals == before.arrivals


def test_a_new_day_begins_at_nothing() -> None:
    waiting = looked(Waiting(views=0, since=0), {BOT: 9}, 10)
    waiting = looked(looked(waiting, {}, 12), {BOT: 2}, 14)
    assert [each.number for each in waiting.arrivals] == [2, 9]
    fewer = looked(looked(Waiting(views=0, since=0), {BOT: 9}, 10), {BOT: 2}, 12)
    assert [each.number for each in fewer.arrivals] == [2, 9]


def test_the_latest_are_kept() -> None:
    waiting = Waiting(views=0, since=0)
    for moment in range(MOST + 10):
        waiting = looked(waiting, {BOT: moment + 1}, moment)
    assert len(waiting.arrivals) == MOST
    assert waiting.arrivals[0].time == MOST + 9


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_its_words(reason: Reason) -> None:
    told = in_words(Arrival(0, reason, "the-name", 1))
    assert told.startswith("a hit ") and len(told) > len("a hit ") + len(reason)
    assert "{name}" not in told
    assert in_words(Arrival(0, reason, "{name}", 2)).startswith("2 hits ")


def test_one_s_own_browser_is_told() -> None:
    bot = Arrival(0, "bot", "HeadlessChrome", 1)
    assert in_words(bot) == "a hit of a bot: HeadlessChrome"
    assert in_words(bot, "HeadlessChrome") == (
        "a hit: your browser looks like a bot: HeadlessChrome"
    )
    assert "your" not in in_words(bot, "curl")


def test_of_unknown_sites_those_are_told_that_may_be_meant() -> None:
    unknown = {
        f"unknown_site\0{name}": 1
        for name in ("shop.a.example", "b.example", "nota.example", "a.example.evil")
    }
    assert list(about(unknown, "a.example")) == ["unknown_site\0shop.a.example"]
