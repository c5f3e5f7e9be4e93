"""What goes into spreadsheets: every text as it was, and none of them a formula."""

from __future__ import annotations

import csv
import io
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from page_tracker.query.plan import Plan
from page_tracker.query.query import Query, Range
from page_tracker.query.report import Report, Row
from page_tracker.query.spreadsheet import FORMULAS, write_rows
from page_tracker.query.sql import Statement

DAY = Range(date(2026, 1, 1), date(2026, 1, 1), "UTC")
QUERY = Query(
    site="a.org", metrics=("visitors",), range=DAY, dimensions=("event:page",)
)
TEXTS = st.text(st.sampled_from("=+-@\t\r\n'\",;|ab\u202e") | st.characters())


@given(st.lists(TEXTS, max_size=5))
def test_no_cell_is_a_formula_and_each_is_the_text_that_it_was(
    texts: list[str],
) -> None:
    rows = tuple(Row((text,), (number,)) for number, text in enumerate(texts))
    report = Report(QUERY, rows, len(rows), Plan((), ()), {}, Statement("", {}))
    file = io.StringIO(newline="")

    write_rows(report, csv.writer(file, lineterminator="\n"))

    head, *told = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert head == ["page", "visitors"]
    assert [int(number) for _, number in told] == list(range(len(texts)))
    for (cell, _), text in zip(told, texts, strict=True):
        assert not cell.startswith(FORMULAS)
        assert text in (cell, cell.removeprefix("'"))
