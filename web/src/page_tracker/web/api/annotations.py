"""`/api/sites/<site>/annotations`: what happened on a day, beside the figures."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from flask import Blueprint, Response, jsonify

from page_tracker.sites.annotation import with_annotation, without_annotation
from page_tracker.store.annotations import AnnotationStore
from page_tracker.store.sites import Sites
from page_tracker.web.api.failures import register_failures
from page_tracker.web.api.sites import admitted_site, json_object, token_in_words
from page_tracker.web.token_guard import Guard


def annotations_api(
    sites: Callable[[], Sites],
    annotations: Callable[[], AnnotationStore],
    guard: Guard,
) -> Blueprint:
    """The routes; they need an admin's token for the site."""
    blueprint = Blueprint(
        "annotations", __name__, url_prefix="/api/sites/<domain>/annotations"
    )
    register_failures(blueprint)

    @blueprint.get("")
    def list_annotations(domain: str) -> Response:
        known = annotations().known(admitted_site(guard, sites(), domain))
        return jsonify(annotations=[msgspec.structs.asdict(each) for each in known])

    @blueprint.post("")
    def add_annotation(domain: str) -> tuple[Response, int]:
        site_id = admitted_site(guard, sites(), domain)
        said, who = json_object(), token_in_words(guard.token())
        known = annotations().change(
            site_id, lambda known: with_annotation(known, said, who)
        )
        added = max(known, key=lambda each: each.id)
        return jsonify(msgspec.structs.asdict(added)), 201

    @blueprint.delete("/<int:number>")
    def remove_annotation(domain: str, number: int) -> tuple[str, int]:
        site_id = admitted_site(guard, sites(), domain)
        annotations().change(site_id, lambda known: without_annotation(known, number))
        return "", 204

    return blueprint
