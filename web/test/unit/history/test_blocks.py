"""A block of lines: which are page views, and why the others are not."""

from __future__ import annotations

from page_tracker.history.blocks import MAX_REPORTED, Sieve
from page_tracker.history.dialect import Dialect
from page_tracker.history.left_out_lines import LeftOut, Refused
from page_tracker.hits.context import Context
from page_tracker.hits.facts import Lookups
from page_tracker.hits.hit import Client, Hit, Place, Touch
from page_tracker.sites.site import Directory, Site

SITE = Site(id="example.com")
SIEVE = Sieve(
    SITE,
    Dialect("combined"),
    Context(
        Directory([SITE]),
        {("example.com", day): bytes(32) for day in range(20_000, 20_002)},
        Lookups(
            client_of=lambda _: Client(),
            hinted_client_of=lambda *_: Client(),
            bot_of=lambda _: None,
            place_of=lambda _: Place(),
            is_spam=lambda _: False,
            touch_of=lambda *_: Touch(),
        ),
    ),
)


def line(request: str, status: int = 200, second: int = 5, address: str = "::1") -> str:
    time = f"04/Oct/2024:10:05:{second:02} +0000"
    return f'{address} - - [{time}] "{request}" {status} 512 "-" "Agent"\n'


def test_the_same_request_is_judged_anew_where_it_is_answered_otherwise() -> None:
    asked = [line("GET / HTTP/1.1", status) for status in (200, 404, 301, 200)]
    asked += [line("POST / HTTP/1.1"), line("GET /a.CSS?1 HTTP/1.1")]

    found = list(SIEVE.hits("".join(asked)))

    assert [each for each in found if not isinstance(each, Hit)] == [
        Refused(LeftOut.ERROR, "404"),
        Refused(LeftOut.REDIRECT, "301"),
        Refused(LeftOut.METHOD, "POST"),
        Refused(LeftOut.STATIC_FILE, "css"),
    ]
    assert [isinstance(each, Hit) for each in found[:4]] == [True, False, False, True]


def test_views_of_one_page_keep_their_own_times_visitors_and_places_in_the_log() -> (
    None
):
    asked = [
        line("GET / HTTP/1.1", second=1),
        "rubbish\n",
        line("GET / HTTP/1.1", second=2),
        line("GET / HTTP/1.1", second=2, address="::2"),
    ]

    rows = SIEVE.sift("".join(asked), 70).rows

    assert [row[-1] for row in rows] == [70, 72, 73]
    assert [row[0] - rows[0][0] for row in rows] == [0, 1_000_000, 1_000_000]
    assert [row[-3] == rows[0][-3] for row in rows] == [True, True, False]


def test_of_many_malformed_lines_all_are_counted_and_the_first_are_told() -> None:
    text = line("GET / HTTP/1.1") + "rubbish\n" * (MAX_REPORTED + 5)

    block = SIEVE.sift(text, 1)

    assert block.left_out == {LeftOut.MALFORMED: MAX_REPORTED + 5}
    assert block.malformed == [
        (number, "rubbish") for number in range(1, MAX_REPORTED + 1)
    ]
