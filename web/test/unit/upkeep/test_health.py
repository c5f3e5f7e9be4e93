"""Whether somebody looks after the lake, by what the last pass of upkeep left."""

from page_tracker.store.pass_record import PassesDone
from page_tracker.upkeep.health import MAX_SILENCE, problem

NOW = 1_795_000_000.0


def test_upkeep_is_well_for_a_while_after_a_pass_that_succeeded() -> None:
    assert problem(PassesDone(1, succeeded=NOW - MAX_SILENCE), NOW) is None


def test_upkeep_that_never_succeeded_or_long_ago_is_told() -> None:
    assert problem(PassesDone(failures=3), NOW) == (
        "no pass of upkeep has succeeded yet"
    )
    assert problem(PassesDone(1, succeeded=NOW - 3_600), NOW) == (
        "the last pass of upkeep that succeeded was 60 min ago"
    )
