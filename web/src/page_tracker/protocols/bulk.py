"""Formats whose requests carry several events, each stored and reported on its own.

request → parts, each with its sender → what became of each → one answer
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from page_tracker.errors import NotStoredError
from page_tracker.hits.hit import Drop, RawHit, Sender
from page_tracker.protocols.request import Answer, Request

# Events in one request; GoatCounter takes 500, Matomo's log importer sends 200.
MAX_PARTS = 1_000

# What became of a part: its drops, or why it is not stored.
Fate = Sequence[Drop] | NotStoredError


class Part(NamedTuple):
    """One event, and its sender."""

    raw: RawHit
    sender: Sender


class Bulk(NamedTuple):
    """What a request carries, and its answer once its parts have their fates."""

    parts: Sequence[Part]
    accept: Callable[[Sequence[Fate]], Answer]
    # What to report to its sites' owners: raw hits that are invalid.
    refused: Sequence[RawHit] = ()


class BulkProtocol(NamedTuple):
    """One sender's format: how its requests are read and how they are refused."""

    name: str
    methods: tuple[str, ...]
    # Raises NothingToCountError if there is nothing to count.
    decode: Callable[[Request, Sender], Bulk]
    # A refusal: status, reason, and headers in addition to the format's own.
    refuse: Callable[[int, str, tuple[tuple[bytes, bytes], ...]], Answer]


def first_refusal(fates: Sequence[Fate]) -> NotStoredError | None:
    """Why parts are not stored; None if all of them are."""
    return next((fate for fate in fates if isinstance(fate, NotStoredError)), None)


def readable_by(origin: str, answer: Answer) -> Answer:
    """The answer for a page that sends with credentials, which `*` does not allow.

    See https://fetch.spec.whatwg.org/#cors-check. No format's answer contains anything
    that its sender does not know.
    """
    if not origin.isascii() or not origin.isprintable() or not origin:
        return answer
    kept = [each for each in answer.headers if each[0] != _ALLOWED]
    return answer._replace(
        headers=(
            *kept,
            (_ALLOWED, origin.encode()),
            (b"access-control-allow-credentials", b"true"),
            (b"vary", b"Origin"),
        )
    )


_ALLOWED = b"access-control-allow-origin"
