"""What repeats itself in the log: one line, and a count."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Iterator

import pytest

from page_tracker.processes.log_repeats import Repeats
from support.pace import PACE


class Written(io.StringIO):
    """A log that tells when a count is written."""

    def __init__(self) -> None:
        super().__init__()
        self.has_count = threading.Event()

    def write(self, text: str) -> int:
        written = super().write(text)
        if "times more" in text:
            self.has_count.set()
        return written


@pytest.fixture(name="written")
def _written() -> Written:
    return Written()


@pytest.fixture(name="logger")
def _logger(written: Written) -> Iterator[logging.Logger]:
    logger = logging.getLogger("test_log")
    logger.propagate = False
    handler = logging.StreamHandler(written)
    handler.addFilter(Repeats(handler, seconds=0.2))
    logger.addHandler(handler)
    yield logger
    logger.removeHandler(handler)


def test_a_repeated_failure_is_one_line_and_a_count(
    logger: logging.Logger, written: Written
) -> None:
    for number in range(5):
        try:
            raise ValueError(number)
        except ValueError:
            logger.exception("It failed at %d", number)
        logger.error("Something else")

    assert written.has_count.wait(timeout=20 * PACE)
    lines = written.getvalue().splitlines()
    assert lines.count("It failed at 0") == 1
    assert lines.count("Something else") == 1
    assert sum(line.startswith("Traceback") for line in lines) == 1
    assert any("(and 4 times more)" in line for line in lines)


def test_what_comes_again_later_is_written_again(
    logger: logging.Logger, written: Written
) -> None:
    logger.error("It failed")
    logger.error("It failed")
    assert written.has_count.wait(timeout=20 * PACE)
    logger.error("It failed")
    assert written.getvalue().splitlines() == [
        "It failed",
        "It failed (and 1 times more)",
        "It failed",
    ]
