"""The page on faults names tests that exist, and tests for all that it claims."""

import re

from support.documentation import ROOT, page

TESTS = (ROOT / "web" / "test", ROOT / "client" / "test")
PAGE = page("explanation/faults")


def test_every_test_that_is_named_is_there() -> None:
    named = re.findall(r"`(test_\w+)`", PAGE)
    files = (path for folder in TESTS for path in folder.rglob("test_*.py"))
    text = "".join(path.read_text("utf-8") for path in files)
    there = set(re.findall(r"^ *(?:async )?def (test_\w+)", text, re.MULTILINE))

    assert len(named) > 80
    assert not set(named) - there


def test_every_row_names_a_test_or_says_that_there_is_none() -> None:
    rows = re.findall(r"^\| (?!what )(.+)$", PAGE, re.MULTILINE)

    assert [
        row for row in rows if "`test_" not in row and "not tested yet" not in row
    ] == []
