"""The route to the OpenAPI document, which is loaded by the first who asks for it."""

from __future__ import annotations

import json
from functools import cache

from flask import Blueprint, Response, request

describing = Blueprint("openapi", __name__, url_prefix="/api")


@describing.get("/openapi.json")
def openapi() -> Response:
    """Serve the document to everybody: it reveals nothing about anybody's counts."""
    response = Response(_written(), mimetype="application/json")
    response.add_etag()
    response.make_conditional(request)
    return response


@cache
def _written() -> str:
    # pylint: disable-next=import-outside-toplevel # few ask for it
    from page_tracker.web.openapi.document import document

    return json.dumps(document())
