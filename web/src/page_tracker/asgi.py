"""The front door: hits go to the collector on the event loop, everything else to Flask.

A request is passed on once it is complete, up to its route's limit; one that is cut off
is dropped. Headers mean the same in every server: one whose name has an underscore is
ignored, since Flask could not distinguish it from the one with a hyphen.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

from page_tracker.app import app as flask_app
from page_tracker.app import recent_sessions
from page_tracker.collect.batched import Collector
from page_tracker.collect.each import collect_each_soon
from page_tracker.collect.outcomes import (
    FAULT,
    HITS,
    INVALID,
    count_drops,
    count_fate,
)
from page_tracker.errors import NotStoredError
from page_tracker.hits.hit import NOBODY, RawHit
from page_tracker.protocols import protocol_at
from page_tracker.protocols.bulk import Bulk, BulkProtocol, Fate, readable_by
from page_tracker.protocols.read_request import not_stored, read_bulk, read_request
from page_tracker.protocols.request import (
    MAX_BODY,
    Answer,
    NothingToCountError,
    Protocol,
    Request,
)
from page_tracker.request_id import CURRENT, HEADER, chosen
from page_tracker.settings import Settings
from page_tracker.web.api.query import LONGEST_BODY as LONGEST_QUESTION
from page_tracker.web.api.sites import LONGEST_BODY
from page_tracker.web.askers import Askers
from page_tracker.web.client_gone import watched
from page_tracker.web.pages.error_pages import crowded_page
from page_tracker.web.pages.guard import has_forms
from page_tracker.web.pages.refusals import longest_form
from page_tracker.web.pools import QUESTIONS, Message, Pools, Receive, Scope, Send
from page_tracker.wiring.collecting import open_collector, open_lookups

# A body is as long as what arrived, whatever these say.
_FRAMING = frozenset((b"content-length", b"transfer-encoding"))

# The answer to a sender if we fail.
OUR_FAULT = "this is a fault of the server; report it"

logger = logging.getLogger(__name__)


class FrontDoor:
    """An ASGI application; its collector lives from the server's start to its end."""

    def __init__(self, settings: Settings, flask: Any) -> None:
        self._settings = settings
        self._proxies = settings.trusted_proxies
        self._pools = Pools(flask, cache(partial(crowded_page, flask_app)))
        self._askers = Askers(settings.trusted_proxies, recent_sessions)
        self._collector: Collector | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            await self._answer(scope, receive, send)
        elif kind == "lifespan":
            await self._live(receive, send)
        else:
            raise ValueError(f"unsupported scope type: {kind}")

    def longest_body(self, path: str) -> int:
        """How many bytes of a body are read."""
        if protocol_at(path):
            return MAX_BODY
        if path.startswith(QUESTIONS):
            return LONGEST_QUESTION
        if path.startswith("/api/"):
            return LONGEST_BODY
        return longest_form(path) if has_forms(path) else 0

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        longest = self.longest_body(path)
        body = await _body(receive, longest)
        if body is None:
            return
        headers = _meant(scope["headers"], body)
        if protocol_at(path) is None:
            peer = scope["client"][0] if scope["client"] else ""
            CURRENT.set(self._request_id(headers_of(headers), peer))
            scope = {**scope, "headers": headers}
            pool = self._pools.of(path, partial(self._asker, scope))
            answering = pool(scope, partial(_received, body), send)
            is_whole = len(body) <= longest
            await (watched(answering, receive) if is_whole else answering)
            return
        query = scope["query_string"].decode("latin-1")
        request = Request(scope["method"], path, query, headers_of(headers), body)
        answered = asyncio.get_running_loop().create_future()
        self.answer_soon(request, scope["client"], partial(_tell_future, answered))
        await _send(await answered, send)

    def _asker(self, scope: Scope) -> str:
        peer = scope["client"][0] if scope["client"] else ""
        return self._askers.of(headers_of(scope["headers"]), peer)

    def takes(self, path: str) -> bool:
        """Whether a request is for the collector, and `answer_soon` may be called."""
        return protocol_at(path) is not None

    def answer_soon(
        self,
        request: Request,
        client: tuple[str, int] | None,
        reply: Callable[[Answer], None],
    ) -> None:
        """Collect a request's hits; call `tell` with the answer once they are stored.

        `client` is the other end of its connection; None if that has no address.
        """
        if self._collector is None:
            raise RuntimeError("the server must support lifespan events")
        protocol = protocol_at(request.path)
        if protocol is None:
            raise ValueError(f"{request.path} is no protocol's")
        peer = client[0] if client else ""
        try:
            if isinstance(protocol, BulkProtocol):
                reply = partial(_reply_to_origin, request.header(b"origin"), reply)
                bulk = read_bulk(protocol, request, peer, self._proxies)
                accept_each = partial(_accept_each, bulk)
                reply_all = partial(_reply, protocol, accept_each, reply)
                collect_each_soon(self._collector, bulk.parts, reply_all)
                self._note(_each(bulk.refused))
                return
            raws, sender = read_request(protocol, request, peer, self._proxies)
            self._collector.collect_soon(
                raws, sender, partial(_reply, protocol, _accept, reply)
            )
        except NothingToCountError as answered:
            reply(answered.answer)
            if answered.answer.status >= 400:  # else it asks what may be sent
                HITS.add(protocol.name, INVALID)
            is_bulk = isinstance(protocol, BulkProtocol)
            self._note(_each(answered.refused) if is_bulk else [answered.refused])
        except Exception:  # pylint: disable=broad-exception-caught
            # A bug of ours: its sender gets an answer all the same.
            name = self._request_id(request.headers, peer)
            logger.exception(
                "A request by %s could not be read",
                protocol.name,
                extra={"request": name},
            )
            HITS.add(protocol.name, FAULT)
            reply(protocol.refuse(500, f"{OUR_FAULT} as request {name}", ()))

    def _request_id(self, headers: Mapping[bytes, bytes], peer: str) -> str:
        sent = headers.get(HEADER.lower().encode(), b"").decode("latin-1")
        return chosen(sent, self._proxies.trusts(peer))

    def _note(self, events: Sequence[Sequence[RawHit]]) -> None:
        """Count what was refused, for its owners; its sender already has the answer."""
        for raws in events:
            if raws and self._collector is not None:
                self._collector.collect_soon(raws, NOBODY, count_drops)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Open the collector when the server starts; store what waits when it stops."""
        await receive()
        try:
            await asyncio.to_thread(open_lookups, self._settings)  # reads large files
            self._collector = open_collector(self._settings)
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._collector.close()
        await send({"type": "lifespan.shutdown.complete"})


def headers_of(sent: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name; several with one name are one list (RFC 9110, 5.3)."""
    headers = dict(sent)
    if len(headers) != len(sent):
        headers.clear()
        for name, value in sent:
            headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


def _accept(protocol: Protocol, fate: Fate) -> Answer:
    count_fate(protocol.name, fate)
    if isinstance(fate, NotStoredError):
        return not_stored(protocol, fate)
    return protocol.accept(fate)


def _accept_each(bulk: Bulk, protocol: BulkProtocol, fates: Sequence[Fate]) -> Answer:
    for fate in fates:
        count_fate(protocol.name, fate)
    for _ in bulk.refused:
        HITS.add(protocol.name, INVALID)
    return bulk.accept(fates)


def _reply(
    protocol: Protocol | BulkProtocol,
    accept: Callable[[Any, Any], Answer],
    reply: Callable[[Answer], None],
    fate: Fate | Sequence[Fate],
) -> None:
    try:
        answer = accept(protocol, fate)
    except Exception:  # pylint: disable=broad-exception-caught
        logger.exception("The outcome of hits could not be answered")
        answer = protocol.refuse(500, OUR_FAULT, ())
    reply(answer)


def _reply_to_origin(
    origin: str, reply: Callable[[Answer], None], answer: Answer
) -> None:
    reply(readable_by(origin, answer))


def _each(raws: Sequence[RawHit]) -> list[list[RawHit]]:
    """Raw hits, each of which is an event of its own."""
    return [[raw] for raw in raws]


def _tell_future(answered: asyncio.Future[Answer], answer: Answer) -> None:
    if not answered.done():  # else its sender has gone
        answered.set_result(answer)


async def _body(receive: Receive, longest: int) -> bytes | None:
    """The body; a byte more than `longest` if it is too long, None if cut off."""
    body = b""
    is_whole = False
    while not is_whole and len(body) <= longest:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        is_whole = not message.get("more_body")
    return body[: longest + 1]


async def _received(body: bytes) -> Message:
    return {"type": "http.request", "body": body, "more_body": False}


def _meant(sent: list[tuple[bytes, bytes]], body: bytes) -> list[tuple[bytes, bytes]]:
    """The headers that apply to a request with this body."""
    headers = [
        (name, value.strip(b" \t"))
        for name, value in sent
        if b"_" not in name and name not in _FRAMING
    ]
    if not _FRAMING.isdisjoint(name for name, _ in sent):
        headers.append((b"content-length", b"%d" % len(body)))
    return headers


async def _send(answer: Answer, send: Send) -> None:
    headers = list(answer.headers)
    await send(
        {"type": "http.response.start", "status": answer.status, "headers": headers}
    )
    await send({"type": "http.response.body", "body": answer.body})


app = FrontDoor(Settings.from_environment(), flask_app)
