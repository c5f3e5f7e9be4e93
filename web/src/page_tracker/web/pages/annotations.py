"""`/example.org/annotations`: what happened on a day, written under the chart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, Response, request
from redis import RedisError

from page_tracker.history.register import Import
from page_tracker.people.roles import NEEDED, Deed
from page_tracker.sites.annotation import (
    LONGEST_TEXT,
    Annotations,
    with_annotation,
    with_changed,
    without_annotation,
)
from page_tracker.sites.site import Site
from page_tracker.store.annotations import AnnotationStore
from page_tracker.web.pages.annotation_marks import decided, imported, kept, notes_of
from page_tracker.web.pages.chart import Chart
from page_tracker.web.pages.guard import PageGuard, Person
from page_tracker.web.pages.page_answers import Asked
from page_tracker.web.pages.site_page import back_to


def register_annotations(
    blueprint: Blueprint,
    annotations: Callable[[], AnnotationStore],
    guard: PageGuard,
    admitted: Callable[[str], Site],
) -> None:
    """The routes, for editors."""

    def change(
        name: str, decide: Callable[[Annotations, Person], Annotations]
    ) -> Response:
        site = admitted(name)
        person = guard.admit(NEEDED[Deed.ANNOTATE], site.id)
        annotations().change(site.id, lambda known: decide(known, person))
        return back_to(site, "chart")

    @blueprint.post("/<domain:name>/annotations")
    @blueprint.post("/sites/<name>/annotations")
    def annotate(name: str) -> Response:
        """Add a note of what happened on a day."""
        return change(
            name, lambda known, person: with_annotation(known, _said(), person.name)
        )

    @blueprint.post("/<domain:name>/annotations/<int:number>")
    @blueprint.post("/sites/<name>/annotations/<int:number>")
    def change_annotation(name: str, number: int) -> Response:
        """Change a note's date or text."""
        return change(name, lambda known, _: with_changed(known, number, _said()))

    @blueprint.post("/<domain:name>/annotations/<int:number>/remove")
    @blueprint.post("/sites/<name>/annotations/<int:number>/remove")
    def remove_annotation(name: str, number: int) -> Response:
        """Remove an annotation."""
        return change(name, lambda known, _: without_annotation(known, number))


def annotated(
    asked: Asked,
    chart: Chart,
    annotations: Callable[[], AnnotationStore],
    imports: Sequence[Import],
) -> dict[str, Any]:
    """What the chart shows of what happened during its days."""
    site, days = asked.site, asked.scope.range
    happened = [
        *kept(_known(annotations, site)),
        *decided(site, days.timezone),
        *imported(site, imports),
    ]
    labels = [point.name for point in chart.points]
    return {
        "annotations": notes_of(happened, days, labels, asked.today),
        "longest_annotation": LONGEST_TEXT,
    }


def _known(annotations: Callable[[], AnnotationStore], site: Site) -> Annotations:
    """The stored ones; none if the store is away and was never asked."""
    try:
        return annotations().known(site.id)
    except RedisError:
        return ()


def _said() -> dict[str, str]:
    return {key: request.form.get(key, "") for key in ("date", "time", "text")}
