"""From a request to raw hits and their sender, or to an answer: for any protocol."""

from __future__ import annotations

from page_tracker.errors import NotStoredError
from page_tracker.hits.client_address import Proxies
from page_tracker.hits.hit import RawHit, Sender
from page_tracker.protocols.headers import seen_of, sender_of
from page_tracker.protocols.request import (
    MAX_BODY,
    Answer,
    NothingToCountError,
    Protocol,
    Request,
)


def read_request(
    protocol: Protocol, request: Request, peer: str, proxies: Proxies
) -> tuple[list[RawHit], Sender]:
    """What was sent, and by whom; `peer` is the address at the socket's other end.

    Raises NothingToCountError where there is nothing to count.
    """
    if request.method not in protocol.methods:
        raise NothingToCountError(_other_method(protocol, request.method))
    if len(request.body) > MAX_BODY:
        raise NothingToCountError(too_large(protocol))
    address = seen_of(request.headers, peer, proxies).address
    sender = sender_of(request.headers, address)
    return protocol.decode(request, sender), sender


def too_large(protocol: Protocol) -> Answer:
    """The answer to a body that is not read to its end."""
    return protocol.refuse(413, f"a body has at most {MAX_BODY} bytes", ())


def not_stored(protocol: Protocol, error: NotStoredError) -> Answer:
    """The answer where hits are not kept: the sender may try again, later."""
    retry_after = (b"retry-after", b"%d" % error.retry_after)
    return protocol.refuse(error.status, str(error), (retry_after,))


def _other_method(protocol: Protocol, method: str) -> Answer:
    """The answer to a browser that asks first (CORS), or to a mistake."""
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
            (b"access-control-allow-headers", b"Content-Type, X-Debug-Request"),
            (b"access-control-max-age", b"86400"),
        ),
    )
