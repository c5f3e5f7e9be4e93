"""Whether the server trusts this application to name its visitors' addresses.

A request with `X-Debug-Request` is answered with the client's address as the server
sees it, and counts nothing. An address for documentation (RFC 5737) is passed on: the
server sees it, or else the application's own, or that of a proxy on the way.
"""

from __future__ import annotations

import time

from page_tracker_client.connection import Connection
from page_tracker_client.event import PAGE_VIEW, Visitor, body_of, event_of
from page_tracker_client.target import Target, request_of

_HANDED_ON = "203.0.113.77"


def distrust(target: Target, connection: Connection, deadline: float) -> str | None:
    """What to do if it does not; None if it does. Raises OSError."""
    asked = event_of(PAGE_VIEW, target.url, Visitor(_HANDED_ON, "page-tracker-client"))
    headers = [*asked.headers, ("X-Debug-Request", "true")]
    connection.send(request_of(target, headers, body_of(asked, target.host)), deadline)
    answer = connection.answer(max(deadline, time.monotonic() + 1.0))
    seen = answer.body.decode("ascii", "replace").strip()
    if answer.status != 200 or seen == _HANDED_ON:
        return None
    return (
        f"{target.url} does not believe this application's word for the addresses of"
        f" its visitors: they are all counted as one, at {seen[:64]!r}. Name this"
        " address in the server's PAGE_TRACKER_TRUSTED_PROXIES, if it is the"
        " application's or that of a proxy of yours"
    )
