"""The senders' endpoints under a server without an event loop, such as `flask run`.

The front door (`asgi`) answers them before Flask sees them, with the same functions.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from flask import Blueprint, Response, request

from page_tracker.collect.direct import UnbatchedCollector
from page_tracker.collect.each import collect_each
from page_tracker.errors import NotStoredError
from page_tracker.hits.client_address import Proxies
from page_tracker.hits.hit import NOBODY
from page_tracker.protocols import PROTOCOLS
from page_tracker.protocols.bulk import BulkProtocol, Part, readable_by
from page_tracker.protocols.read_request import (
    not_stored,
    read_bulk,
    read_request,
    too_large,
)
from page_tracker.protocols.request import (
    MAX_BODY,
    Answer,
    NothingToCountError,
    Protocol,
    Request,
)

# Neither may be in an endpoint's name.
_NAMED = str.maketrans("/.", "__")
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


def collecting(
    collector: Callable[[], UnbatchedCollector], proxies: Proxies
) -> Blueprint:
    """One route for each protocol; the collector is created with the first request."""
    blueprint = Blueprint("collecting", __name__)

    def take(protocol: Protocol | BulkProtocol, **_variable: str) -> Response:
        answer = _answer(protocol, collector(), proxies)
        if isinstance(protocol, BulkProtocol):
            answer = readable_by(request.headers.get("Origin", ""), answer)
        return _response(answer)

    for path, protocol in PROTOCOLS.items():
        blueprint.add_url_rule(
            path,
            endpoint=path.strip("/").translate(_NAMED),
            view_func=take,
            defaults={"protocol": protocol},
            methods=METHODS,
            provide_automatic_options=False,
        )
    return blueprint


def headers_sent() -> dict[bytes, bytes]:
    """The request's headers, with names in lower case, as protocols expect them."""
    return {
        name.lower().encode("latin-1"): value.encode("latin-1", "replace")
        for name, value in request.headers.items()
    }


def _answer(
    protocol: Protocol | BulkProtocol, collector: UnbatchedCollector, proxies: Proxies
) -> Answer:
    length = request.content_length or 0
    if length > MAX_BODY:
        return too_large(protocol)
    try:
        body = request.stream.read(MAX_BODY + 1)
        if len(body) < length:
            return protocol.refuse(400, "the body is cut off", ())
        sent = Request(
            request.method,
            request.path,
            request.query_string.decode("latin-1"),
            headers_sent(),
            body,
        )
        peer = request.remote_addr or ""
        if isinstance(protocol, BulkProtocol):
            bulk = read_bulk(protocol, sent, peer, proxies)
            fates = collect_each(collector, bulk.parts)
            collect_each(collector, [Part(raw, NOBODY) for raw in bulk.refused])
            return bulk.accept(fates)
        raws, sender = read_request(protocol, sent, peer, proxies)
        return protocol.accept(collector.collect(raws, sender))
    except NothingToCountError as answered:
        if isinstance(protocol, BulkProtocol):
            collect_each(collector, [Part(raw, NOBODY) for raw in answered.refused])
        elif answered.refused:
            with suppress(NotStoredError):  # its sender must get an answer anyway
                collector.collect(answered.refused, NOBODY)
        return answered.answer
    except NotStoredError as error:
        return not_stored(protocol, error)


def _response(answer: Answer) -> Response:
    headers = [
        (name.decode(), value.decode("latin-1")) for name, value in answer.headers
    ]
    return Response(answer.body, answer.status, headers)
