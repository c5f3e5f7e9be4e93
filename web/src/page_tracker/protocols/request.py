"""What every protocol receives and returns, whatever server stands in front of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from page_tracker.hits.hit import Drop, RawHit, Reason, Sender

# Bytes; longer bodies are refused before they are read to the end.
MAX_BODY = 1_000_000

# Characters of a sender's own id for an event.
MAX_EVENT_ID = 64

_MAX_HEADER = 1_000


class Request(msgspec.Struct, frozen=True, gc=False):
    """A request as a server passes it on; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[bytes, bytes]
    body: bytes = b""

    @property
    def variable(self) -> str:
        """The part of the path where its protocol's path ends with `<variable>`."""
        return self.path.rpartition("/")[2]

    def header(self, name: bytes) -> str:
        """The header's text; empty if it was not sent."""
        value = self.headers.get(name)
        return value.decode("latin-1") if value else ""


class Answer(NamedTuple):
    """A complete HTTP response."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes = b""


class NothingToCountError(Exception):
    """A request without any hit, with the answer that its sender expects.

    `refused` is the report to its sites' owners: raw hits that are invalid.
    """

    def __init__(self, answer: Answer, refused: Sequence[RawHit] = ()) -> None:
        super().__init__(answer.status)
        self.answer = answer
        self.refused = refused


class Protocol(NamedTuple):
    """One sender's format: how its requests are read and how they are answered."""

    name: str
    methods: tuple[str, ...]
    # Raises NothingToCountError if there is nothing to count.
    decode: Callable[[Request, Sender], list[RawHit]]
    # Once all hits are stored except these.
    accept: Callable[[Sequence[Drop]], Answer]
    # A refusal: status, reason, and headers in addition to the format's own.
    refuse: Callable[[int, str, tuple[tuple[bytes, bytes], ...]], Answer]


def answer_of(
    status: int,
    content_type: bytes,
    body: bytes,
    headers: tuple[tuple[bytes, bytes], ...] = (),
) -> Answer:
    """Build an answer that a page of any origin may read."""
    return Answer(
        status,
        (
            (b"content-type", content_type),
            (b"content-length", b"%d" % len(body)),
            (b"access-control-allow-origin", b"*"),
            *headers,
        ),
        body,
    )


def is_event_id(text: str) -> bool:
    """Whether it may be a sender's own id for an event: short, of printable ASCII."""
    return len(text) <= MAX_EVENT_ID and text.isascii() and text.isprintable()


def header_text(text: str) -> bytes:
    """Text in a form that a header may carry: printable ASCII, bounded."""
    kept = "".join(each if " " <= each <= "~" else "?" for each in text[:_MAX_HEADER])
    return kept.encode()


def reasons_of(drops: Sequence[Drop]) -> str:
    """Why hits were dropped, each reason once: `bot (Googlebot), own_address`."""
    named = (
        (drop.reason, drop.site if drop.reason == Reason.UNKNOWN_SITE else drop.name)
        for drop in drops
    )
    reasons = (f"{reason} ({name})" if name else str(reason) for reason, name in named)
    return ", ".join(dict.fromkeys(reasons))
