"""Groups of addresses: the same for all that a subscriber has, and few."""

from collections import Counter

import pytest

from page_tracker.hits.client_address import subscriber_of
from page_tracker.hits.visitor import GROUPS, group_of

SALT = bytes(16)
SITE = "a.example"


@pytest.mark.parametrize(
    ("address", "subscriber"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_a_subscriber_has_a_network_of_64_bits(address: str, subscriber: str) -> None:
    assert subscriber_of(address) == subscriber


def test_no_other_address_of_his_network_is_in_another_group() -> None:
    groups = {group_of(SALT, SITE, f"2001:db8::{n:x}") for n in range(100)}
    assert len(groups) == 1


def test_addresses_spread_evenly_over_all_groups() -> None:
    found = Counter(
        group_of(SALT, SITE, f"10.0.{n >> 8}.{n & 255}") for n in range(65_536)
    )
    assert sorted(map(int, found)) == list(range(GROUPS))
    assert max(found.values()) < 3 * 65_536 / GROUPS


def test_nobody_knows_his_group_without_the_salt() -> None:
    groups = {group_of(bytes([n]) * 16, SITE, "192.0.2.7") for n in range(20)}
    assert len(groups) > 10
