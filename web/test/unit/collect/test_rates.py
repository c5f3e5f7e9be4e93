"""How many hits an address may send: by address and site, and others are taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from page_tracker.collect import rates as module
from page_tracker.collect.rates import BURST, Rates
from page_tracker.hits.hit import RawHit
from page_tracker.sites.site import Directory, Site

ONE = Site(id="one.example", hostnames=("alias.example",))
OTHER = Site(id="two.example")
SITES = Directory([ONE, OTHER])
ALL_AT_ONCE = int(BURST) + 1  # at one hit a second


class Clock:
    """What `time.monotonic` says."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture(name="clock")
def _clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def taken(rates: Rates, number: int, address: str, *sites: str) -> int:
    """How many of so many requests are taken."""
    raws = [RawHit(site=site, url="https://x/") for site in sites]
    return sum(rates.refusal(raws, address, SITES) is None for _ in range(number))


def test_a_burst_is_taken_and_then_so_many_a_second(clock: Clock) -> None:
    rates = Rates(1)
    assert taken(rates, 100, "192.0.2.1", "one.example") == ALL_AT_ONCE
    clock.now += 5
    assert taken(rates, 100, "192.0.2.1", "one.example") == 5


def test_a_refusal_says_when_the_next_hit_is_taken(clock: Clock) -> None:
    rates, raw = Rates(1), RawHit(site="one.example", url="https://x/")
    taken(rates, ALL_AT_ONCE, "192.0.2.1", "one.example")
    refusal = rates.refusal([raw], "192.0.2.1", SITES)
    assert refusal and refusal.status == 429 and refusal.retry_after == 1
    clock.now += refusal.retry_after
    assert rates.refusal([raw], "192.0.2.1", SITES) is None


@pytest.mark.usefixtures("clock")
def test_other_addresses_and_other_sites_are_taken() -> None:
    rates = Rates(1)
    taken(rates, 100, "192.0.2.1", "one.example")
    assert taken(rates, 1, "192.0.2.2", "one.example") == 1
    assert taken(rates, 1, "192.0.2.1", "two.example") == 1
    assert taken(rates, 1, "192.0.2.1", "alias.example") == 0  # is one.example
    assert taken(rates, 1, "192.0.2.1", "two.example", "one.example") == 0


@pytest.mark.usefixtures("clock")
def test_sites_that_there_are_none_of_are_one() -> None:
    rates = Rates(1)
    names = [f"{number}.example" for number in range(100)]
    assert sum(taken(rates, 1, "192.0.2.1", name) for name in names) == ALL_AT_ONCE


@pytest.mark.usefixtures("clock")
def test_a_network_of_64_bits_is_one_address() -> None:
    rates = Rates(1)
    hosts = [f"2001:db8::{number:x}" for number in range(100)]
    assert sum(taken(rates, 1, host, "one.example") for host in hosts) == ALL_AT_ONCE
    assert taken(rates, 1, "2001:db8:0:1::", "one.example") == 1


@pytest.mark.usefixtures("clock")
def test_nobody_is_refused_where_it_is_off_or_the_address_is_not_known() -> None:
    assert taken(Rates(0), 100, "192.0.2.1", "one.example") == 100
    assert taken(Rates(1), 100, "", "one.example") == 100


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("most", [4, 64])
def test_what_is_remembered_is_bounded(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(module, "MAX_REMEMBERED", most)
    rates = Rates(1)
    for number in range(1000):
        assert taken(rates, 1, f"10.0.{number >> 8}.{number & 255}", "one.example")
        assert len(rates._due) <= most  # pylint: disable=protected-access


@given(st.lists(st.floats(0, 60), max_size=200))
def test_within_any_time_no_more_are_taken_than_its_share(pauses: list[float]) -> None:
    clock, rates = Clock(), Rates(2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "time", clock)
        begin, number = clock.now, 0
        for pause in pauses:
            clock.now += pause
            number += taken(rates, 20, "192.0.2.1", "one.example")
            assert number <= 2 * (clock.now - begin + BURST) + 1
