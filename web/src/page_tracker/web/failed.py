"""What people and programs are told of a failure outside of all routes."""

from __future__ import annotations

import json

from flask import Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, InternalServerError, NotFound

from page_tracker.request_id import CURRENT
from page_tracker.web.pages.render import ALL_SITES, problem


def failed(error: HTTPException) -> ResponseReturnValue:
    """Answer failures outside of all routes, under /api/ with JSON."""
    is_ours, name = isinstance(error, InternalServerError), CURRENT.get()
    response = error.get_response()
    if not request.path.startswith("/api/"):
        page = _fault_page(name) if is_ours else _nothing_here(error)
        # What else the address takes.
        page.headers.extend({"Allow": v for v in response.headers.getlist("Allow")})
        return page
    said = {"error": error.description} | ({"request": name} if is_ours else {})
    response.data = json.dumps(said)
    response.content_type = "application/json"
    return response


def _nothing_here(error: HTTPException) -> Response:
    if isinstance(error, NotFound):
        said = "There is nothing at this address."
    else:
        said = "This address only takes what a form sends; it is no page to look at."
    return problem(
        error.code or 404,
        "No such page",
        said,
        "If you typed it, look for a mistake in it; every page can be reached from the"
        " page of all sites.",
        onwards=ALL_SITES,
    )


def _fault_page(name: str) -> Response:
    found = (
        f"request {name}, which also marks it in the log" if name else "the log's line"
    )
    return problem(
        500,
        "This is a fault of the server",
        "You did nothing wrong, and nothing that was counted is lost.",
        f"Try again. If it keeps happening, report it and quote {found}.",
    )
