"""How soon a child that died is started again."""

import signal
from itertools import accumulate

from page_tracker.processes.child import signal_name
from page_tracker.processes.supervisor import (
    FIRST_DELAY,
    LIVED_LONG,
    LONGEST_DELAY,
    next_delay,
)


def test_a_signal_without_a_name_is_told_by_its_number() -> None:
    assert signal_name(signal.SIGRTMIN + 5) == f"signal {signal.SIGRTMIN + 5}"
    assert signal_name(signal.SIGKILL) == "SIGKILL"


def test_a_child_that_lived_long_is_started_again_soon() -> None:
    assert next_delay(LIVED_LONG, LONGEST_DELAY) == FIRST_DELAY


def test_a_child_that_dies_at_once_is_started_ever_later_up_to_a_bound() -> None:
    delays = list(accumulate(range(8), lambda last, _: next_delay(0.1, last)))

    assert delays == sorted(delays)
    assert delays[-1] == LONGEST_DELAY
