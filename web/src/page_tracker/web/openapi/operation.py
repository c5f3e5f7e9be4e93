"""How a route is described: what it does, for whom, and why it refuses."""

from __future__ import annotations

import msgspec

from page_tracker.web.openapi.schemas import Schema

# Why a request is refused. All routes but those for everybody may answer with these:
ALWAYS = (401, 429, 503)
REFUSALS = {
    400: "Invalid; `error` names the place, what is wrong and what to write instead.",
    401: "No token, or one that is unknown, expired, revoked, or not for this site.",
    403: "The token is not for this.",
    404: "There is no such thing.",
    409: "The domain or host belongs to a site already; an import is running; or hits"
    " would be deleted, whose number is to be repeated.",
    413: "The body is too large.",
    422: "It took more time or memory than questions have, and was stopped.",
    429: "Too many wrong tokens came from this address.",
    503: "Too much is asked at once, or the store is away: try again.",
}


class Operation(msgspec.Struct, frozen=True):
    """One method of one route.

    `scope` is that of the token needed, '' for none; `body` and `answer` name schemas;
    `refusals` are those in addition to `ALWAYS`.
    """

    name: str
    summary: str
    scope: str
    answer: str | Schema = ""
    status: int = 200
    body: str = ""
    refusals: tuple[int, ...] = ()
    query: dict[str, Schema] = msgspec.field(default_factory=dict)
    optional: dict[str, Schema] = msgspec.field(default_factory=dict)
    # Variables of the path that are not any text.
    path: dict[str, Schema] = msgspec.field(default_factory=dict)
