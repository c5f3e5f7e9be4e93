"""Shares are dealt by the published hash, and as large as they are said to be."""

from __future__ import annotations

from collections import Counter

import pytest

from page_tracker.shares import dealt, share_of

# FIPS 180-4's own examples: a text, and the first 32 bits of its SHA-256.
PUBLISHED = {
    "": 0xE3B0C442,
    "abc": 0xBA7816BF,
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": 0x248D6A61,
}


@pytest.mark.parametrize("text", PUBLISHED)
def test_a_text_lies_where_its_published_hash_does(text: str) -> None:
    assert share_of(text) == PUBLISHED[text] / 2**32


def test_each_part_is_dealt_as_often_as_it_is_large() -> None:
    parts = [("a", 90.0), ("nobody's", 0.0), ("b", 8.5), ("c", 1.5)]

    found = Counter(dealt(f"visitor {number}", parts) for number in range(20_000))

    assert found.keys() == {"a", "b", "c"}
    for name, share in parts:
        assert found[name] == pytest.approx(200 * share, rel=0.1)


def test_more_for_one_part_leaves_those_who_have_it_where_they_are() -> None:
    before = {n for n in range(1000) if dealt(f"{n}", [("on", 5), ("off", 95)]) == "on"}
    after = {n for n in range(1000) if dealt(f"{n}", [("on", 20), ("off", 80)]) == "on"}

    assert before < after
