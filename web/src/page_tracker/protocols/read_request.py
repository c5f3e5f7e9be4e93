"""From a request to raw hits and their sender, or to an answer: for any protocol."""

from __future__ import annotations

from page_tracker.errors import NotStoredError
from page_tracker.hits.client_address import Proxies
from page_tracker.hits.hit import RawHit, Sender
from page_tracker.protocols.bulk import Bulk, BulkProtocol
from page_tracker.protocols.headers import seen_of, sender_of
from page_tracker.protocols.request import (
    MAX_BODY,
    Answer,
    NothingToCountError,
    Protocol,
    Request,
)

# Headers of the formats' own scripts; Umami's loses all hits but the first of a page
# if X-Umami-Cache is not among them.
_HEADERS_SENT = b"Content-Type, X-Debug-Request, X-Umami-Cache"


def read_request(
    protocol: Protocol, request: Request, peer: str, proxies: Proxies
) -> tuple[list[RawHit], Sender]:
    """What was sent, and by whom; `peer` is the address at the socket's other end.

    Raises NothingToCountError if there is nothing to count.
    """
    sender = _sender_of(protocol, request, peer, proxies)
    return protocol.decode(request, sender), sender


def read_bulk(
    protocol: BulkProtocol, request: Request, peer: str, proxies: Proxies
) -> Bulk:
    """The same if a request may carry several events, each with its own sender."""
    return protocol.decode(request, _sender_of(protocol, request, peer, proxies))


def _sender_of(
    protocol: Protocol | BulkProtocol, request: Request, peer: str, proxies: Proxies
) -> Sender:
    if request.method not in protocol.methods:
        raise NothingToCountError(_other_method(protocol, request.method))
    if len(request.body) > MAX_BODY:
        raise NothingToCountError(too_large(protocol))
    address = seen_of(request.headers, peer, proxies).address
    return sender_of(request.headers, address)


def too_large(protocol: Protocol | BulkProtocol) -> Answer:
    """The answer to a body that is not read to its end."""
    return protocol.refuse(413, f"a body has at most {MAX_BODY} bytes", ())


def not_stored(protocol: Protocol | BulkProtocol, error: NotStoredError) -> Answer:
    """The answer if hits are not stored: the sender may try again later."""
    retry_after = (b"retry-after", b"%d" % error.retry_after)
    return protocol.refuse(error.status, str(error), (retry_after,))


def _other_method(protocol: Protocol | BulkProtocol, method: str) -> Answer:
    """The answer to a preflight request (CORS), or to a wrong method."""
    allowed = ", ".join((*protocol.methods, "OPTIONS")).encode()
    if method != "OPTIONS":
        why = f"{method} is not for this address"
        return protocol.refuse(405, why, ((b"allow", allowed),))
    return Answer(
        204,
        (
            (b"allow", allowed),
            (b"access-control-allow-origin", b"*"),
            (b"access-control-allow-methods", allowed),
            (b"access-control-allow-headers", _HEADERS_SENT),
            (b"access-control-max-age", b"86400"),
        ),
    )
