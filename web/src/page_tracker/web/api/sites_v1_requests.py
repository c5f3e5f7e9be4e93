"""What requests of Plausible's Sites API send, and how its lists are answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from flask import Response, jsonify, request

from page_tracker.store.sites import Sites
from page_tracker.web.api.sites import admitted_site, json_object
from page_tracker.web.token_guard import Guard, Refused

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_USUAL_LIMIT = 100

_T = TypeVar("_T", bound=msgspec.Struct)


class _OfSite(msgspec.Struct):
    """What names a site."""

    site_id: str = ""


def said(kind: type[_T]) -> _T:
    """What the body says: JSON, or a form, as Plausible takes both. Raises Refused."""
    body = dict(request.form) if request.mimetype in FORMS else json_object()
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        raise Refused(400, str(error)) from error


def site_named(
    guard: Guard, sites: Callable[[], Sites], sent: str | None = None
) -> str:
    """The id of the site that the address names, else the body, whose `site_id` is
    `sent` if it was read already. Raises Refused."""
    guard.token()
    named = request.args.get("site_id") or sent
    if named is None and request.method != "GET":
        named = said(_OfSite).site_id
    return admitted_site(guard, sites(), named or "")


def one_page(name: str, entries: list[Any]) -> Response:
    """A list in Plausible's shape: all of it is on its first page."""
    meta = {"after": None, "before": None, "limit": max(len(entries), _USUAL_LIMIT)}
    return jsonify({name: entries, "meta": meta})
