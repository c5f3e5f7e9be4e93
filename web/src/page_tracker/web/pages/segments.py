"""`/example.org/segments`: the active filters, saved under a name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, Response, request
from msgspec.structs import replace

from page_tracker.errors import SiteError
from page_tracker.people.roles import NEEDED, Deed
from page_tracker.query.filters import segment_filters
from page_tracker.query.problem import QueryError
from page_tracker.sites.goal import Segment, with_segment
from page_tracker.sites.site import Site
from page_tracker.store.sites import Sites
from page_tracker.web.pages.address_filter import SEGMENT, Condition
from page_tracker.web.pages.guard import PageGuard
from page_tracker.web.pages.render import to
from page_tracker.web.pages.site_page import home_of
from page_tracker.web.pages.view import View, read, written


def register_segments(
    blueprint: Blueprint,
    sites: Callable[[], Sites],
    guard: PageGuard,
    admitted: Callable[[str], Site],
) -> None:
    """The route, for editors."""

    @blueprint.post("/<domain:name>/segments")
    @blueprint.post("/sites/<name>/segments")
    def keep_segment(name: str) -> Response:
        """Save a view's filters, and show the view by the segment that they are now."""
        site = admitted(name)
        guard.admit(NEEDED[Deed.KEEP_GOALS], site.id)
        view, _ = read(parse_qsl(request.form.get("query", "").removeprefix("?")))
        called = request.form.get("name", "")

        def decide(known: tuple[Segment, ...]) -> tuple[Segment, ...]:
            return with_segment(known, called, filters_of(view, known))

        made = sites().put_segments(site.id, decide).segments[-1]
        chosen = Condition("is", SEGMENT, (str(made.id),))
        kept = replace(view.of_page(), filters=(chosen,), is_any=False)
        return to(home_of(site.id) + written(kept))


def filters_of(view: View, known: Sequence[Segment]) -> list[Any]:
    """A view's filters for a segment, with those of other segments written out.

    Raises SiteError.
    """
    filters = [_without_segments(each, known) for each in view.filters]
    if view.is_any and len(filters) > 1:
        filters = [["or", filters]]
    try:
        return segment_filters(filters)
    except QueryError as error:
        raise SiteError("filters", error.problem, "choose others first") from error


def _without_segments(condition: Condition, known: Sequence[Segment]) -> Any:
    if condition.dimension != SEGMENT:
        return condition.as_json
    by_number = {str(each.id): each for each in known}
    if missing := [each for each in condition.values if each not in by_number]:
        raise SiteError(
            "filters", f"there is no segment {missing[0]}", "take that filter off"
        )
    meant = [["and", list(by_number[each].filters)] for each in condition.values]
    found = ["or", meant]
    return found if condition.operator == "is" else ["not", found]
