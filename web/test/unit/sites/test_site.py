"""Hosts, days and time zones of a site."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from page_tracker.days import next_midnight
from page_tracker.sites.places import timezones
from page_tracker.sites.site import (
    Directory,
    Site,
    bare_host,
    day_of,
    switch_instant,
    with_timezone,
    zone_at,
)

HOUR = 3600
SECOND = 1_000_000

zones = st.sampled_from(sorted(timezones()))
# 2015 to 2040: daylight saving, no zone that skips a whole day (Samoa did in 2011).
instants = st.integers(1_420_070_400, 2_208_988_800)


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def day(text: str) -> int:
    return utc(text) // 86_400


@pytest.mark.parametrize(
    "domain",
    [
        "example.com",
        "WWW.Example.COM",
        "example.com:8080",
        "www.example.com.",
        "shop.de",
        "my_shop.example",
        "i\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16}.ws",
    ],
)
def test_a_site_is_found_by_its_domain_however_written(domain: str) -> None:
    hosts = ("shop.de", "my_shop.example", "xn--i-7iq.ws")
    site = Site(id="example.com", hostnames=hosts)
    assert Directory([site]).resolve(domain) is site


@pytest.mark.parametrize(
    "domain",
    ["", "blog.example.com", "example.org", ":", "www.", "\N{SNOWMAN}" * 4_000],
)
def test_another_host_is_no_site(domain: str) -> None:
    assert Directory([Site(id="example.com")]).resolve(domain) is None


def test_a_site_is_found_by_its_name_in_its_own_script() -> None:
    site = Site(id="xn--mller-kva.example")
    assert Directory([site]).resolve("www.Müller.example") is site


def test_the_only_site_is_known_as_such() -> None:
    one, other = Site(id="a.example"), Site(id="b.example")
    assert Directory([one]).only() is one
    assert Directory([one, other]).only() is None
    assert Directory().only() is None


@given(zone=zones, instant=instants, within=st.integers(0, SECOND - 1))
def test_the_day_is_the_local_date(zone: str, instant: int, within: int) -> None:
    expected = datetime.fromtimestamp(instant, ZoneInfo(zone)).date()
    days = day_of(Site(id="a.example", timezone=zone), instant * SECOND + within)
    assert days == expected.toordinal() - datetime(1970, 1, 1).toordinal()


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2026-03-29T21:59:59", "2026-03-29"),  # 23:59:59, the day had 23 hours
        ("2026-03-29T22:00:00", "2026-03-30"),
        ("2026-10-25T22:59:59", "2026-10-25"),  # 23:59:59, the day had 25 hours
        ("2026-10-25T23:00:00", "2026-10-26"),
    ],
)
def test_a_day_ends_at_midnight_also_when_the_clock_was_shifted(
    instant: str, expected: str
) -> None:
    site = Site(id="a.example", timezone="Europe/Berlin")
    assert day_of(site, utc(instant) * SECOND) == day(expected)


def test_a_day_begins_at_one_where_midnight_is_skipped() -> None:
    # In Beirut the clock goes from 23:59:59 to 01:00:00.
    assert next_midnight("Asia/Beirut", utc("2026-03-28T12:00:00")) == utc(
        "2026-03-28T22:00:00"
    )


@given(zone=zones, now=instants)
def test_midnight_is_the_first_instant_of_the_next_day(zone: str, now: int) -> None:
    site = Site(id="a.example", timezone=zone)
    midnight = next_midnight(zone, now)
    today = day_of(site, now * SECOND)
    assert now < midnight <= now + 26 * HOUR
    assert day_of(site, midnight * SECOND) == today + 1
    assert day_of(site, midnight * SECOND - 1) == today


@given(old=zones, new=zones, now=instants)
def test_a_change_of_zone_never_turns_the_day_back(
    old: str, new: str, now: int
) -> None:
    site = with_timezone(Site(id="a.example", timezone=old), new, now)
    switch = switch_instant(old, new, now) * SECOND
    steps = [now * SECOND, switch - 1, switch, switch + HOUR * SECOND]
    days = [day_of(site, instant) for instant in steps]
    assert days == sorted(days)


@given(old=zones, new=zones, now=instants)
def test_a_new_zone_waits_for_midnight_in_both(old: str, new: str, now: int) -> None:
    site = with_timezone(Site(id="a.example", timezone=old), new, now)
    switch = switch_instant(old, new, now)
    assert switch >= max(next_midnight(old, now), next_midnight(new, now))
    assert switch <= now + 52 * HOUR
    assert zone_at(site, now * SECOND) == old
    assert zone_at(site, switch * SECOND - 1) == old
    assert zone_at(site, switch * SECOND) == new


def test_the_present_zone_takes_back_a_change_to_come() -> None:
    site = Site(id="a.example", timezone="UTC")
    now = utc("2026-05-01T12:00:00")
    assert with_timezone(with_timezone(site, "Asia/Tokyo", now), "UTC", now) == site


def test_a_zone_that_holds_by_now_is_the_present_one() -> None:
    now = utc("2026-05-01T12:00:00")
    site = with_timezone(Site(id="a.example"), "Asia/Tokyo", now)
    later = with_timezone(site, "Europe/Berlin", now + 7 * 24 * HOUR)
    assert later.timezone == "Asia/Tokyo"
    assert later.next_timezone == "Europe/Berlin"


def test_what_is_longer_than_a_host_is_looked_up_nowhere() -> None:
    directory = Directory([Site(id="a.example")])
    before = bare_host.cache_info().currsize
    assert directory.resolve("a" * 100_000) is None
    assert bare_host.cache_info().currsize == before
    assert directory.resolve(f"{'w' * 63}.{'a' * 63}.example") is None
