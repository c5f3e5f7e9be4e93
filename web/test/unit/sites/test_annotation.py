"""What people write under a chart: in order, bounded, and told where it is nonsense."""

from typing import Any

import pytest

from page_tracker.errors import SiteError, UnknownAnnotationError
from page_tracker.sites.annotation import (
    LONGEST_TEXT,
    MOST_ANNOTATIONS,
    Annotation,
    Annotations,
    with_annotation,
    with_changed,
    without_annotation,
)


def said(date: str = "2026-03-01", text: str = "a new shop", **more: str) -> Any:
    return {"date": date, "text": text, **more}


def many(by: str) -> Annotations:
    return tuple(
        Annotation(id=number, date="2026-01-01", text="x", by=by)
        for number in range(1, MOST_ANNOTATIONS + 1)
    )


def test_annotations_are_kept_by_their_dates_and_changed_and_removed() -> None:
    known = with_annotation((), said(), "ada")
    known = with_annotation(known, said("2026-02-01", time="09:05:00"), "ben")
    assert [(a.id, a.date, a.time, a.by) for a in known] == [
        (2, "2026-02-01", "09:05", "ben"),
        (1, "2026-03-01", "", "ada"),
    ]
    known = with_changed(known, 2, said("2026-04-01", " later "))
    assert [(a.id, a.text, a.by) for a in known] == [
        (1, "a new shop", "ada"),
        (2, "later", "ben"),
    ]
    assert [a.id for a in without_annotation(known, 1)] == [2]
    with pytest.raises(UnknownAnnotationError, match="no annotation 3"):
        without_annotation(known, 3)
    with pytest.raises(UnknownAnnotationError, match="no annotation 3"):
        with_changed(known, 3, said())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"date": "2026-02-30"}, "date: '2026-02-30' is no date"),
        ({"date": 5}, "is no date"),
        ({"time": "25:00"}, "time: '25:00' is no time"),
        ({"text": " "}, "text: is no line"),
        ({"text": "x" * (LONGEST_TEXT + 1)}, f"1 to {LONGEST_TEXT} characters"),
        ({"text": "a\nb"}, "is no line"),
        ({"text": ["a"]}, "is no line"),
        ({"by": "eve"}, "by: is unknown; write date, time, text"),
    ],
)
def test_what_is_no_annotation_is_told(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(SiteError) as error:
        with_annotation((), said() | wrong, "ada")
    assert told in str(error.value)


def test_only_what_nobody_wrote_makes_room() -> None:
    full = many("")
    known = with_annotation(full, said(), "ada")
    assert len(known) == MOST_ANNOTATIONS and known[0] == full[1]
    with pytest.raises(SiteError, match="remove one first"):
        with_annotation(many("ada"), said(), "ada")
