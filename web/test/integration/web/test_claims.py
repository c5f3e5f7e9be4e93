"""Servers that send for their visitors: whose address, agent and time are stored."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from redis import Redis

from naive import PlainHit, find
from page_tracker.sites.token import Scope
from page_tracker.store import keys
from support.collecting import CHROME
from support.door import PAGE, SITE, Door

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
SERVER = {"User-Agent": "python-requests/2.32"}
HOUR, DAY = 3_600, 86_400


@pytest.fixture(autouse=True)
def aliases(door: Door) -> None:
    door.sites.change(SITE, {"aliases": ["7"]}, by="a test")


@pytest.fixture(name="token")
def _token(door: Door) -> str:
    return door.tokens.add("events", [SITE])[1]


def bearer(token: str) -> dict[str, str]:
    return SERVER | {"Authorization": f"Bearer {token}"}


def line(door: Door, ago: float, who: int = 1, path: str = "/a") -> dict[str, str]:
    """A line of a log, as Matomo's importer sends it."""
    when = datetime.fromtimestamp(door.now - ago, UTC)
    return {
        **{"rec": "1", "apiv": "1", "idsite": "7", "url": f"https://{SITE}{path}"},
        **{"cip": f"192.0.2.{who}", "ua": CHROME, "cdt": f"{when:%Y-%m-%d %H:%M:%S}"},
        **{"queuedtracking": "0", "dp": "0"},
    }


def import_lines(
    door: Door, token: str, lines: Sequence[dict[str, str]]
) -> dict[str, Any]:
    """What Matomo's importer is answered for a batch of lines."""
    body = json.dumps({"token_auth": token, "requests": lines})
    answer = door.send("/matomo.php", data=body, headers=SERVER).json
    assert isinstance(answer, dict)
    return answer


def test_lines_of_a_log_find_their_visits_and_count_once_if_sent_again(
    door: Door, token: str
) -> None:
    """In whatever order they lie in a request: as an import would find them."""
    minutes = [0, 10, 39, 70, 71, 1_441, 1_450, 1_500, 1_501]
    ago = [2 * DAY - minute * 60 for minute in minutes]
    lines = [
        line(door, each, who=number % 2, path=f"/{number}")
        for number, each in enumerate(ago)
    ]
    for _ in range(2):
        for part in (lines[:4][::-1], lines[4:][::-1]):
            told = import_lines(door, token, part)
            assert (told["tracked"], told["invalid"]) == (len(part), 0)

    hits = [
        PlainHit(
            time=int((door.now - each) * 1000),
            day=int((door.now - each) // DAY),
            site=SITE,
            visitor=number % 2,
            path=f"/{number}",
        )
        for number, each in enumerate(ago)
    ]
    numbers = ("step", "view", "since", "elapsed", "arrival", "previous", "entry_path")
    found = {row.path: [getattr(row, name) for name in numbers] for row in door.rows()}
    assert found == {
        hit.path: [getattr(each, name) for name in numbers]
        for hit, each in zip(hits, find(hits), strict=True)
    }
    assert len(door.rows()) == len(hits)
    assert [row.time // 1000 for row in door.rows()] == [hit.time for hit in hits]
    visits = {(row.day, row.visit) for row in door.rows()}
    assert len(visits) == sum(each.step == 1 for each in find(hits))


def test_what_comes_late_leaves_the_visit_that_its_visitor_is_in(
    door: Door, token: str
) -> None:
    door.wait(hours=6)
    import_lines(door, token, [line(door, 60)])
    import_lines(door, token, [line(door, 5 * HOUR), line(door, 5 * HOUR - 60)])
    import_lines(door, token, [line(door, 0)])

    first, early, later, last = door.rows()
    assert len({row.visitor for row in door.rows()}) == 1
    assert first.visit == last.visit != early.visit == later.visit
    assert (early.step, later.step, last.step, last.since) == (1, 2, 2, 60_000)
    assert [row.arrival for row in door.rows()] == [True, False, False, False]


def test_no_number_is_given_twice_where_a_days_counters_have_gone(
    door: Door, token: str, store: Redis
) -> None:
    ago, day = 5 * DAY, int(door.now // DAY) - 5
    today = keys.today(0, day, SITE)
    store.hset(today, mapping={"visitor": 1, "visit": 1})
    import_lines(door, token, [line(door, ago, 1)])
    store.delete(today)  # as when its time is over
    import_lines(door, token, [line(door, ago, 2)])
    import_lines(door, token, [line(door, ago, 3)])
    numbers = [row.visit & 0xFFFFFFFF for row in door.rows()]
    assert numbers == [2, 2**31 + 1, 2**31 + 2]
    assert store.ttl(today) == -1  # kept for good
    assert store.ttl(keys.visitors(0, door.origin(), day, SITE)) > DAY


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        ("", "no token"),
        ("pt_0123456789_" + "0" * 48, "unknown token"),
        ("of another site", "which lacks this scope or site"),
        ("to read", "which lacks this scope or site"),
    ],
)
def test_nobody_speaks_for_visitors_without_a_token_for_their_site(
    door: Door, shown: str, why: str
) -> None:
    if shown == "of another site":
        door.sites.add("other.example", {})
        shown = door.tokens.add("events", ["other.example"])[1]
    elif shown == "to read":
        shown = door.tokens.add("stats", [SITE])[1]

    assert import_lines(door, shown, [line(door, HOUR)])["invalid"] == 1
    asked = urlencode(line(door, HOUR) | {"token_auth": shown})
    assert door.send(f"/matomo.php?{asked}", method="GET").status_code == 400
    assert door.rows() == []
    ((reason, name, number),) = door.drops()
    assert (reason, number) == ("no_token", 2) and name.endswith(why)


@pytest.mark.parametrize(("ago", "status"), [(HOUR, 204), (2 * DAY, 400)])
@pytest.mark.parametrize("name", ["cdt", "cdo"])
def test_without_a_token_what_is_young_counts_as_now_and_what_is_old_is_refused(
    door: Door, name: str, ago: int, status: int
) -> None:
    time = str(ago) if name == "cdo" else f"{door.now - ago:.0f}"
    asked = {"idsite": "7", "rec": "1", "url": PAGE, name: time, "send_image": "0"}
    assert door.send(f"/matomo.php?{urlencode(asked)}").status_code == status
    times = [row.time / 1e6 for row in door.rows()]
    assert times == ([door.now] if status == 204 else [])


def test_umamis_payload_tells_address_agent_and_time(door: Door, token: str) -> None:
    said = {"website": SITE, "hostname": SITE, "url": "/a", "ip": "192.0.2.7"}
    told = {"userAgent": FIREFOX, "timestamp": int(door.now) - 3 * DAY}
    body = {"type": "event", "payload": said | told}
    assert door.send("/api/send", json=body, headers=bearer(token)).status_code == 200
    batch = [body, {"type": "event", "payload": said | told | {"name": "n"}}]
    for _ in range(2):
        answer = door.send("/api/batch", json=batch, headers=bearer(token)).json
        assert answer is not None and answer["processed"] == 2
    assert [(row.browser, row.step) for row in door.rows()] == [
        ("Firefox", 1),
        ("Firefox", 2),
        ("Firefox", 3),
    ]
    assert {row.time // 10**6 for row in door.rows()} == {told["timestamp"]}

    refused = door.send("/api/send", json=body, headers=bearer(token[:-1]))
    assert refused.status_code == 401
    for anybody in ({}, {"Authorization": "Bearer None"}):  # umami-analytics' own
        unread = door.send("/api/send", json=body, headers=anybody)
        assert unread.status_code == 200
    assert (door.rows()[-1].browser, door.rows()[-1].time) == ("Chrome", door.now * 1e6)


def test_plausibles_events_of_a_server_are_their_visitors(
    door: Door, token: str
) -> None:
    event = {"n": "pageview", "u": PAGE, "d": SITE}
    for address in ("192.0.2.7, 10.0.0.1", "192.0.2.8", "192.0.2.7"):
        headers = bearer(token) | {"User-Agent": CHROME, "X-Forwarded-For": address}
        sent = door.send("/api/event", json=event, headers=headers)
        assert (sent.status_code, sent.headers.get("X-Plausible-Dropped")) == (
            202,
            None,
        )
    for address in ("192.0.2.9", "192.0.2.10"):
        door.send("/api/event", json=event, headers={"X-Forwarded-For": address})
    seventh, eighth, again, *proxied = [row.visitor for row in door.rows()]
    assert seventh == again != eighth and len(set(proxied)) == 1

    wrong = bearer("pt_0123456789_x") | {"User-Agent": CHROME}
    sent = door.send("/api/event", json=event, headers=wrong)
    told = sent.headers["X-Page-Tracker-Dropped"]
    assert (sent.status_code, told) == (202, "no_token (unknown token)")


def test_nothing_comes_back_that_is_older_than_the_site_keeps(
    door: Door, token: str
) -> None:
    door.sites.change(SITE, {"retention_days": 30}, by="a test")
    door.wait(seconds=2)
    import_lines(door, token, [line(door, 31 * DAY), line(door, 29 * DAY)])
    assert len(door.rows()) == 1
    assert door.drops() == [("expired", "30 days", 1)]


def test_a_token_that_is_taken_back_is_not_believed(door: Door) -> None:
    made, text = door.tokens.add(Scope.EVENTS, None)
    assert import_lines(door, text, [line(door, HOUR)])["tracked"] == 1
    door.tokens.remove(made.id)
    door.tokens.look()
    assert import_lines(door, text, [line(door, HOUR)])["invalid"] == 1
