"""Which of a log's content is known, in whatever blocks it comes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from page_tracker.history.known_content import Follower, KnownParts, Part

LINES = st.lists(st.text("ab\r", max_size=300).map(str.encode), min_size=1, max_size=30)


def followed(
    known: KnownParts, lines: list[bytes], cuts: list[int]
) -> tuple[int, Part | None]:
    """Follow lines in blocks of some: how many bytes are known, and the rest."""
    follower, at, known_until = Follower(known), 0, 0
    blocks, rest = [], lines
    for cut in [*cuts, len(lines)]:
        block, rest = b"".join(rest[:cut]), rest[cut:]
        if block:
            blocks.append(block)
    for block in blocks:
        if found := follower.follow(block):
            known_until = at + found
        at += len(block)
    return known_until, follower.part()


@given(lines=LINES, more=LINES, cuts=st.lists(st.integers(1, 9)))
def test_what_was_read_is_known_and_what_grew_is_not(
    lines: list[bytes], more: list[bytes], cuts: list[int]
) -> None:
    first = [b"first\n", *(line + b"\n" for line in lines), b"last\n"]
    second = [line + b"\n" for line in more]
    known = KnownParts()
    _, part = followed(known, first, [])
    assert part is not None
    known.add([part], "1")

    until, rest = followed(known, first + [b"more\n", *second], cuts)

    assert until == len(b"".join(first))
    assert rest is not None and rest.length == len(
        b"".join([b"more\n", *second]).rstrip(b"\n")
    )


def test_an_end_of_the_last_line_that_comes_later_is_no_new_line() -> None:
    known = KnownParts()
    _, part = followed(known, [b"one\n", b"tw"], [])
    assert part is not None
    known.add([part], "1")

    assert followed(known, [b"one\n", b"two\n", b"three\n"], []) == (
        len(b"one\ntwo\n"),
        followed(KnownParts(), [b"three\n"], [])[1],
    )


def test_the_beginning_of_a_known_log_is_told() -> None:
    lines = [b"%d\n" % number for number in range(1000)]
    known = KnownParts()
    _, part = followed(known, lines, [])
    assert part is not None
    known.add([part], "7")

    follower = Follower(known)
    assert follower.follow(b"".join(lines[:500])) == 0
    assert follower.begins_like == "7"


@given(shorter=LINES, longer=LINES, more=LINES, cuts=st.lists(st.integers(1, 9)))
def test_a_known_part_within_a_longer_one_does_not_hide_it(
    shorter: list[bytes], longer: list[bytes], more: list[bytes], cuts: list[int]
) -> None:
    first = [b"first\n", *(line + b"\n" for line in shorter), b"last\n"]
    second = [*first, *(line + b"\n" for line in longer), b"very last\n"]
    third = [*second, *(line + b"\n" for line in more), b"new\n"]
    known = KnownParts()
    parts = [followed(KnownParts(), lines, [])[1] for lines in (second, first)]
    known.add([part for part in parts if part], "1")

    until, rest = followed(known, third, cuts)

    assert until == len(b"".join(second))
    assert rest == followed(KnownParts(), third[len(second) :], [])[1]


def test_a_longer_known_part_is_found_over_many_lines_behind_a_shorter_one() -> None:
    lines = [b"%d\n" % number for number in range(100_000)]
    known = KnownParts()
    for length in (100_000, 1_000, 10):
        _, part = followed(KnownParts(), lines[:length], [])
        assert part is not None
        known.add([part], str(length))

    assert followed(known, lines, [100, 20_000, 9]) == (len(b"".join(lines)), None)
