"""What is passed on of a command that failed, to people and into the log."""

import pytest

from page_tracker.processes.run_command import reason_of


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"page-tracker: the disk is full\n", "page-tracker: the disk is full"),
        (b"a warning\npage-tracker: no site; add it", "page-tracker: no site; add it"),
        (b"", ""),
        (b"Traceback \xe2\x80\xa6\nValueError: 203.0.113.9 - - [odd]\n", "ValueError"),
        (b"Traceback \xe2\x80\xa6\nKeyError: '203.0.113.9'\n", "KeyError"),
        (b"Killed\n", "Killed"),
    ],
)
def test_an_error_is_passed_on_and_of_a_fault_its_kind_alone(
    said: bytes, reason: str
) -> None:
    assert reason_of(said) == reason
