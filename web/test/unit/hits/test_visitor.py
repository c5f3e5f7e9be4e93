"""The keyed hash that finds a visitor."""

from hashlib import blake2b

from hypothesis import given
from hypothesis import strategies as st

from page_tracker.hits.visitor import visitor_of

SALT = bytes(range(16))


def test_the_hash_is_blake2b_keyed_with_the_salt() -> None:
    expected = blake2b(b"a.org\x00192.0.2.1\x00UA", key=SALT, digest_size=16).digest()
    assert visitor_of(SALT, "a.org", "192.0.2.1", "UA") == expected


def test_another_salt_makes_another_visitor() -> None:
    assert visitor_of(SALT, "a", "b", "c") != visitor_of(SALT[::-1], "a", "b", "c")


@given(st.text(), st.text())
def test_any_user_agent_has_a_hash(one: str, other: str) -> None:
    hashes = [visitor_of(SALT, "a.org", "192.0.2.1", agent) for agent in (one, other)]
    assert len(hashes[0]) == 16
    assert (hashes[0] == hashes[1]) == (one == other)


def test_parts_do_not_run_into_each_other() -> None:
    assert visitor_of(SALT, "a", "1", "2") != visitor_of(SALT, "a", "12", "")
