"""docs/faults.md names tests that there are, and tests for all that it claims."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parents[1] / "docs" / "faults.md").read_text(encoding="utf-8")


def test_every_test_that_is_named_is_there() -> None:
    named = re.findall(r"`(test_\w+)`", PAGE)
    text = "".join(path.read_text("utf-8") for path in TESTS.rglob("test_*.py"))
    there = set(re.findall(r"^ *(?:async )?def (test_\w+)", text, re.MULTILINE))

    assert len(named) > 80
    assert not set(named) - there


def test_every_row_names_a_test_or_says_that_there_is_none() -> None:
    rows = re.findall(r"^\| (?!what )(.+)$", PAGE, re.MULTILINE)

    assert [
        row for row in rows if "`test_" not in row and "not tested yet" not in row
    ] == []
