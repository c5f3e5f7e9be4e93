"""How soon a child that died is started again."""

from itertools import accumulate

from page_tracker.server.supervisor import (
    FIRST_DELAY,
    LIVED_LONG,
    LONGEST_DELAY,
    next_delay,
)


def test_a_child_that_lived_long_is_started_again_soon() -> None:
    assert next_delay(LIVED_LONG, LONGEST_DELAY) == FIRST_DELAY


def test_a_child_that_dies_at_once_is_started_ever_later_up_to_a_bound() -> None:
    delays = list(accumulate(range(8), lambda last, _: next_delay(0.1, last)))

    assert delays == sorted(delays)
    assert delays[-1] == LONGEST_DELAY
