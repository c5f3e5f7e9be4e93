"""What is let in and left out again: which settings say so, and who is remembered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from page_tracker.errors import SiteError
from page_tracker.hits.hit import Reason
from page_tracker.sites.letting_in import (
    MOST_DECISIONS,
    WAYS,
    counts_now,
    leaving_out,
    let_in_of,
    letting_in,
    with_decisions,
)
from page_tracker.sites.settings import changed_site, settings_of
from page_tracker.sites.site import Site

SITE = Site(
    id="a.example",
    own_addresses=("192.0.2.1", "10.0.0.0/8"),
    blocked_addresses=("192.0.2.9",),
    blocked_countries=("FR",),
    blocked_pages=("/private/*",),
    allowed_hostnames=("a.example",),
)
NAMES = {
    "bot": "GPTBot",
    "referrer_spam": "spam.example",
    "unknown_site": "shop.example",
    "blocked_host": "b.example",
    "blocked_scheme": "capacitor",
    "own_address": "10.0.0.0/8",
    "blocked_address": "192.0.2.9",
    "blocked_country": "FR",
    "blocked_page": "/private/*",
}


def let_in(site: Site, reason: str, name: str, by: str = "ada", now: int = 1) -> Site:
    after = changed_site(site, letting_in(site, reason, name), now)
    return with_decisions(site, after, by, now)


def leave_out(site: Site, reason: str, name: str, now: int = 2) -> Site:
    after = changed_site(site, leaving_out(site, reason, name), now)
    return with_decisions(site, after, "ben", now)


def test_every_way_in_has_a_reason_that_drops_have() -> None:
    assert set(WAYS) == set(NAMES) <= set(Reason)


@pytest.mark.parametrize("reason", WAYS)
def test_what_is_let_in_counts_until_it_is_left_out_again(reason: str) -> None:
    name = NAMES[reason]
    assert not counts_now(SITE, reason, name)

    after = let_in(SITE, reason, name)

    assert counts_now(after, reason, name)
    assert [(d.reason, d.name, d.by, d.at) for d in let_in_of(after)] == [
        (reason, name, "ada", 1)
    ]
    back = leave_out(after, reason, name)
    assert not counts_now(back, reason, name)
    assert let_in_of(back) == []
    assert [d.is_let_in for d in back.decisions] == [True, False]
    assert settings_of(back) == settings_of(SITE)


@given(st.lists(st.tuples(st.sampled_from(sorted(WAYS)), st.booleans())))
def test_in_any_order_the_last_decision_holds(steps: list[tuple[str, bool]]) -> None:
    site, inside = SITE, set[str]()
    for reason, is_in in steps:
        if (reason in inside) is is_in:
            continue  # nothing to decide
        site = (let_in if is_in else leave_out)(site, reason, NAMES[reason])
        inside ^= {reason}
    assert {d.reason for d in let_in_of(site)} == inside


def test_what_settings_say_by_themselves_is_a_decision_too() -> None:
    after = changed_site(SITE, {"counted_bots": "GPTBot,AI search: Amazonbot"}, 5)
    after = with_decisions(SITE, after, "command line", 5)
    assert after.counted_bots == ("GPTBot", "Amazonbot")
    assert [(d.name, d.by) for d in let_in_of(after)] == [
        ("Amazonbot", "command line"),
        ("GPTBot", "command line"),
    ]
    without = changed_site(after, {"counted_bots": ""}, 6)
    assert let_in_of(with_decisions(after, without, "command line", 6)) == []


def test_so_many_decisions_are_remembered() -> None:
    site = SITE
    for number in range(MOST_DECISIONS + 5):
        site = let_in(site, "bot", f"bot {number}", now=number)
    assert len(site.decisions) == MOST_DECISIONS
    assert site.decisions[-1].name == f"bot {MOST_DECISIONS + 4}"


@pytest.mark.parametrize(
    ("reason", "name", "told"),
    [
        ("opted_out", "Do Not Track", "none for which something can be let in"),
        ("blocked_page", "/other", "is not among them"),
        ("unknown_site", "shop.example/x", "write shop.example"),
        ("bot", "x" * 121, "write at most 120 characters"),
        ("bot", "a\nb", "invisible"),
    ],
)
def test_what_cannot_be_let_in_is_told(reason: str, name: str, told: str) -> None:
    with pytest.raises(SiteError, match=told):
        let_in(SITE, reason, name)


def test_the_only_allowed_host_is_not_left_out_as_all_would_count_then() -> None:
    with pytest.raises(SiteError, match="all hosts count then"):
        leave_out(SITE, "blocked_host", "a.example")
