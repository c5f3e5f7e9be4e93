"""Annotations: what happened to a site on a day, beside its figures. Pure.

Days and times are those of the site: an annotation keeps its day, as hits do.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from typing import Any

import msgspec

from page_tracker.errors import SiteError, UnknownAnnotationError

MOST_ANNOTATIONS = 500  # of a site
LONGEST_TEXT = 200  # characters
KEYS = ("date", "time", "text")


class Annotation(msgspec.Struct, frozen=True, kw_only=True):
    """`date` is ISO 8601, `time` like 14:30 or ''; `by` is an account's name, or what
    else has written it, and '' if Page Tracker itself has."""

    id: int
    date: str
    time: str = ""
    text: str
    by: str = ""


Annotations = tuple[Annotation, ...]


class SiteAnnotations(msgspec.Struct, frozen=True, kw_only=True):
    """All annotations of a site, by date; `id` is the site's."""

    id: str
    annotations: Annotations = ()


def with_annotation(
    known: Annotations, said: Mapping[str, Any], by: str
) -> Annotations:
    """The annotations with a new one, by date. Raises SiteError.

    If there are too many, the oldest one that nobody wrote makes room.
    """
    kept = known
    if len(known) >= MOST_ANNOTATIONS:
        own = next((each for each in known if not each.by), None)
        if own is None:
            raise SiteError(
                "text",
                f"there are {MOST_ANNOTATIONS} annotations",
                "remove one first",
            )
        kept = tuple(each for each in known if each != own)
    number = max((each.id for each in known), default=0) + 1
    return in_order((*kept, Annotation(id=number, by=by, **_fields(said))))


def with_changed(
    known: Annotations, number: int, said: Mapping[str, Any]
) -> Annotations:
    """The annotations, with one's date and text changed. Raises SiteError,
    UnknownAnnotationError."""
    found = found_annotation(known, number)
    changed = msgspec.structs.replace(found, **_fields(said))
    return in_order(tuple(changed if each == found else each for each in known))


def without_annotation(known: Annotations, number: int) -> Annotations:
    """The annotations without one. Raises UnknownAnnotationError."""
    found = found_annotation(known, number)
    return tuple(each for each in known if each != found)


def found_annotation(known: Annotations, number: int) -> Annotation:
    """The annotation with this id. Raises UnknownAnnotationError."""
    for each in known:
        if each.id == number:
            return each
    raise UnknownAnnotationError(
        f"there is no annotation {number}", "page-tracker annotation list SITE"
    )


def in_order(annotations: Annotations) -> Annotations:
    return tuple(sorted(annotations, key=lambda each: (each.date, each.time, each.id)))


def _fields(said: Mapping[str, Any]) -> dict[str, str]:
    for key in said:
        if key not in KEYS:
            raise SiteError(str(key)[:100], "is unknown", f"write {', '.join(KEYS)}")
    return {
        "date": _date(said.get("date")),
        "time": _time(said.get("time", "")),
        "text": _text(said.get("text")),
    }


def _date(value: Any) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError) as error:
        raise SiteError(
            "date", f"{str(value)[:100]!r} is no date", "write it like 2026-01-31"
        ) from error


def _time(value: Any) -> str:
    if value == "":
        return ""
    try:
        return f"{time.fromisoformat(value):%H:%M}"
    except (TypeError, ValueError) as error:
        raise SiteError(
            "time", f"{str(value)[:100]!r} is no time", "write it like 14:30"
        ) from error


def _text(value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not text or len(text) > LONGEST_TEXT or not text.isprintable():
        raise SiteError(
            "text",
            "is no line of text",
            f"write one of 1 to {LONGEST_TEXT} characters",
        )
    return text
