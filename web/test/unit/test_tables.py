"""Tables for people are aligned, and fit into the terminal where they can."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from page_tracker.commands.tables import (
    echo_table,
    fitted,
    narrowest,
    shortened,
    table_lines,
)
from page_tracker.plural import counted
from page_tracker.query.spreadsheet import cell


def test_columns_of_wide_signs_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    echo_table(("PAGE", "VIEWS"), [("/日本", "1"), ("/a", "22")], numbers=[1])

    said = capsys.readouterr().out.splitlines()
    assert said == ["PAGE   VIEWS", "/日本      1", "/a        22"]
    assert len({cell_len(line) for line in said}) == 1


@pytest.mark.parametrize(
    ("text", "cut"),
    [("/abc", "/abc"), ("/abcd", "/…cd"), ("日本", "日本"), ("日本語", "…語")],
)
def test_what_is_too_wide_is_cut_in_its_middle(text: str, cut: str) -> None:
    assert shortened(text, 4) == cut


def test_things_are_counted_in_the_singular_or_plural() -> None:
    told = [counted(number, "row") for number in (0, 1, 2, 2000)]

    assert told == ["0 rows", "1 row", "2 rows", "2,000 rows"]


def test_the_widest_column_is_cut_first_and_none_to_nothing() -> None:
    assert fitted([100, 20, 8], [0, 1], 80) == [48, 20, 8]
    assert fitted([100, 100, 8], [0, 1], 80) == [34, 34, 8]
    assert fitted([100, 8], [0], 10) == [12, 8]
    assert fitted([30, 8], [0], 80) == [30, 8]


def test_a_table_needs_what_is_left_when_its_names_are_cut() -> None:
    lines = [["PAGE", "VIEWS"], ["/" + "long/" * 60, "1"]]

    assert narrowest(lines, [0]) == 12 + 2 + 5
    assert narrowest(lines, []) == 301 + 2 + 5


def test_a_table_is_as_wide_as_the_terminal_at_most() -> None:
    rows = [("PAGE", "VIEWS"), ("/" + "long/" * 60, "1"), ("/a", "2")]

    assert {len(line) for line in table_lines(rows, [1], [0], 40)} == {40}
    assert "/" + "long/" * 60 in "".join(table_lines(rows, [1], [0], None))


def test_columns_that_do_not_fit_beside_the_others_follow_below() -> None:
    rows = [("PAGE", "VISITORS", "VISITS"), ("/a/long/name/of/a/page", "1,000", "22")]

    assert list(table_lines(rows, [1, 2], [0], 22)) == [
        *("PAGE          VISITORS", "/a/…f/a/page     1,000"),
        *("", "PAGE          VISITS", "/a/…f/a/page      22"),
    ]


@given(text=st.text())
@example(text="=HYPERLINK(1)")
@example(text="@SUM(A1)")
@example(text="\t=1")
@example(text="/a=b")
def test_no_text_is_a_formula_to_a_spreadsheet(text: str) -> None:
    told = cell(text)
    assert not told.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert told in (text, f"'{text}")
