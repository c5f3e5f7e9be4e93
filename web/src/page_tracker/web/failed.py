"""What people and programs are told of a failure outside of all routes."""

from __future__ import annotations

import json

from flask import Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, InternalServerError

from page_tracker.request_id import CURRENT
from page_tracker.web.pages.render import problem


def failed(error: HTTPException) -> ResponseReturnValue:
    """Answer failures outside of all routes, under /api/ with JSON."""
    is_ours, name = isinstance(error, InternalServerError), CURRENT.get()
    if not request.path.startswith("/api/"):
        return _fault_page(name) if is_ours else error
    response = error.get_response()
    said = {"error": error.description} | ({"request": name} if is_ours else {})
    response.data = json.dumps(said)
    response.content_type = "application/json"
    return response


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
