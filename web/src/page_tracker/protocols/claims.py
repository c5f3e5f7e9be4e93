"""What senders say of their visitors: read here, believed where a token allows it.

A server that sends for its visitors tells their addresses and user agents, and when
they came. See `hits.hit.Claim`, and `hits.enrich.hear_claim` for who is believed.
"""

from __future__ import annotations

import binascii
import hashlib
from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from page_tracker.days import MICROSECONDS
from page_tracker.hits.client_address import address_of
from page_tracker.hits.hit import Claim, RawHit
from page_tracker.sites.token import id_of


def token_in(headers: Mapping[bytes, bytes]) -> str:
    """The token that a request shows; empty if it shows none of ours.

    `Authorization` has it as `Bearer TOKEN`, or as the password of `Basic`. Clients
    send what they have instead: umami-analytics, before it has one, `Bearer None`.
    """
    sent = headers.get(b"authorization")
    if sent is None:
        return ""
    kind, _, shown = sent.decode("latin-1").partition(" ")
    token = _password_in(shown) if kind.lower() == "basic" else shown.strip()
    return token if id_of(token) else ""


def claim_in(headers: Mapping[bytes, bytes]) -> Claim | None:
    """That a request comes from the first address in `X-Forwarded-For`.

    None if it shows no token: then it is nothing but what a proxy may say.
    """
    token = token_in(headers)
    if not token:
        return None
    hops = headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")
    return Claim(token, next(filter(None, map(address_of, hops)), ""))


def address_in(said: Any) -> str:
    """The canonical address; empty for nothing. Raises ValueError if it is none."""
    if said is None or said == "":
        return ""
    address = address_of(said) if isinstance(said, str) else ""
    if not address:
        raise ValueError("is not an address")
    return address


def time_in(said: Any) -> int:
    """Microseconds since 1970 of seconds since then, or of text like
    `2026-01-31 12:00:00` or RFC 3339, in UTC if it names no zone; 0 for nothing.

    Raises ValueError if it is neither.
    """
    if said is None or said == "":
        return 0
    if isinstance(said, bool) or not isinstance(said, int | float | str):
        raise ValueError("is not a time")
    try:
        return int(float(said) * MICROSECONDS)
    except OverflowError as error:
        raise ValueError("is not a time") from error
    except ValueError:
        return _written_time(str(said))


def _written_time(text: str) -> int:
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError("is not a time") from error
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return round(time.timestamp() * MICROSECONDS)


def with_ids(body: bytes, raws: Sequence[RawHit]) -> list[RawHit]:
    """The hits of a request, recognised if it is sent again as it is.

    Only those with a time and without an id of their own: what else is sent twice may
    have happened twice.
    """
    request = hashlib.blake2b(body, digest_size=16).hexdigest()
    return [
        (
            msgspec.structs.replace(raw, event_id=f"{request}.{place}")
            if raw.claim is not None and raw.claim.time and not raw.event_id
            else raw
        )
        for place, raw in enumerate(raws)
    ]


def _password_in(encoded: str) -> str:
    try:
        pair = b64decode(encoded.strip(), validate=True).decode("latin-1")
    except (binascii.Error, ValueError):
        return ""
    return pair.partition(":")[2]
