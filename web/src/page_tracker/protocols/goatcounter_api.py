"""`POST /api/v0/count`: what GoatCounter's importer and servers send, many at once.

    {"no_sessions": …, "hits": [{"path", "created_at", "ip", "user_agent", …}, …]}

It takes a token for events. The site is the `site` parameter's, else that of a hit's
`host`, else the token's only one. See https://www.goatcounter.com/help/api and
https://www.goatcounter.com/help/backend.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import msgspec

from page_tracker.errors import NotStoredError
from page_tracker.hits.context import UNKNOWN_TOKEN
from page_tracker.hits.hit import Claim, Drop, Kind, Place, RawHit, Reason, Sender
from page_tracker.hits.text import clean
from page_tracker.nesting import shallow
from page_tracker.protocols.bulk import Bulk, BulkProtocol, Fate, Part
from page_tracker.protocols.claims import address_in, time_in, token_in, with_ids
from page_tracker.protocols.goatcounter import rate_limits, url_of, width_of
from page_tracker.protocols.request import (
    Answer,
    NothingToCountError,
    Request,
    answer_of,
    header_text,
    reasons_of,
)

PATH = "/api/v0/count"
MAX_HITS = 500

_PLACE = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?")
_SHOW_TOKEN = (b"www-authenticate", b"Bearer")
_KEEP_NOT = (b"cache-control", b"no-store")


class _Sent(msgspec.Struct, kw_only=True):
    """One hit as it is sent; what is missing or null is empty."""

    path: str = ""
    title: str | None = ""
    event: bool | int | str | None = False
    ref: str | None = ""
    size: list[float] | str | None = None
    query: str | None = ""
    bot: int | None = 0
    user_agent: str | None = ""
    location: str | None = ""
    language: str | None = ""
    ip: str | None = ""
    created_at: str | None = ""
    session: str | None = ""
    host: str | None = ""


def decode(request: Request, sender: Sender) -> Bulk:
    """Read the hits of a request. Raises NothingToCountError if it brings none."""
    token = token_in(request.headers)
    if not token:
        raise NothingToCountError(refuse(401, "no token", (_SHOW_TOKEN,)))
    body = _body_of(request.body)
    items, no_sessions = _hits_in(body), body.get("no_sessions") is True
    site = (parse_qs(request.query).get("site") or [""])[0].strip()
    raws: dict[int, RawHit] = {}
    wrong: dict[int, str] = {}
    for place, item in enumerate(items):
        try:
            raws[place] = _hit_of(item, site, token, no_sessions)
        except (ValueError, TypeError) as error:
            wrong[place] = str(error)
    if not raws:
        raise NothingToCountError(_errors(wrong))
    with_id = with_ids(request.body, list(raws.values()))
    parts = [Part(raw, sender) for raw in with_id]
    return Bulk(parts, partial(_accept, list(raws), wrong, with_id))


def refuse(status: int, why: str, headers: tuple[tuple[bytes, bytes], ...]) -> Answer:
    """Refuse a request as a whole."""
    return _answer(status, {"error": why}, headers)


def _accept(
    places: Sequence[int],
    wrong: Mapping[int, str],
    raws: Sequence[RawHit],
    fates: Sequence[Fate],
) -> Answer:
    """What became of the hits: those not named in `errors` need not be sent again.

    Whoever sends waits where the answer is 429, and sends it all again: so that is
    the answer if nothing was stored, or all that was is recognised by its id.
    """
    waits = [fate.retry_after for fate in fates if isinstance(fate, NotStoredError)]
    if len(waits) == len(fates) or waits and all(raw.event_id for raw in raws):
        return _wait(max(waits))
    drops = {
        place: fate
        for place, fate in zip(places, fates, strict=True)
        if not isinstance(fate, NotStoredError) and fate
    }
    if len(drops) == len(fates) and (refused := _refusal(list(drops.values()))):
        return refused
    errors = dict(wrong)
    for place, fate in zip(places, fates, strict=True):
        if isinstance(fate, NotStoredError):
            errors[place] = f"{fate}: send it again"
        elif any(drop.reason in _MISTAKES for drop in fate):
            errors[place] = reasons_of(fate)
    left_out = {place: drop for place, drop in drops.items() if place not in errors}
    return _errors(errors, left_out) if errors else _stored(left_out)


_MISTAKES = (Reason.UNKNOWN_SITE, Reason.NO_TOKEN)


def _refusal(drops: Sequence[Sequence[Drop]]) -> Answer | None:
    """The refusal of a token that is good for none of the hits."""
    first = drops[0][0]
    if any(each[0].reason != Reason.NO_TOKEN for each in drops):
        return None
    if first.name == UNKNOWN_TOKEN:
        return refuse(401, first.name, (_SHOW_TOKEN,))
    return refuse(403, first.name, ())


def _wait(seconds: int) -> Answer:
    again = ((b"retry-after", b"%d" % seconds),)
    why = "nothing is lost: send it again later"
    return refuse(429, why, (*again, *rate_limits(again)))


def _stored(left_out: Mapping[int, Sequence[Drop]]) -> Answer:
    return _answer(202, {"status": "ok"}, _filtered(left_out))


def _errors(
    errors: Mapping[int, str], left_out: Mapping[int, Sequence[Drop]] | None = None
) -> Answer:
    body = {"errors": {str(place): why for place, why in sorted(errors.items())}}
    return _answer(400, body, _filtered(left_out or {}))


def _filtered(
    left_out: Mapping[int, Sequence[Drop]],
) -> tuple[tuple[bytes, bytes], ...]:
    """The places of hits that do not count, and why they do not."""
    if not left_out:
        return ()
    places = ", ".join(map(str, sorted(left_out)))
    reasons = reasons_of([drop for drops in left_out.values() for drop in drops])
    return (
        (b"x-goatcounter-filter", places.encode()),
        (b"x-page-tracker-dropped", header_text(reasons)),
    )


def _body_of(body: bytes) -> dict[str, Any]:
    try:
        said = msgspec.json.decode(shallow(body))
    except ValueError as error:
        raise NothingToCountError(refuse(400, "the body is no JSON", ())) from error
    if not isinstance(said, dict):
        raise NothingToCountError(refuse(400, "the body is no object", ()))
    return said


def _hits_in(body: Mapping[str, Any]) -> list[Any]:
    hits = body.get("hits")
    if not isinstance(hits, list) or not hits:
        raise NothingToCountError(refuse(400, "no hits", ()))
    if len(hits) > MAX_HITS:
        why = f"a request has at most {MAX_HITS} hits"
        raise NothingToCountError(refuse(400, why, ()))
    return hits


def _hit_of(item: Any, site: str, token: str, no_sessions: bool) -> RawHit:
    """One hit. Raises ValueError, which says what is wrong with it."""
    sent = msgspec.convert(item, _Sent)
    path = sent.path.strip()
    if not clean(path, len(path)):
        raise ValueError("path: must be set")
    is_event = sent.event in (True, 1, "true", "1", "t", "on", "yes")
    page = f"https://{sent.host}/" if sent.host else ""
    return RawHit(
        site=site,
        kind=Kind.EVENT if is_event else Kind.VIEW,
        name=path if is_event else "pageview",
        url=page if is_event else url_of(page, path, sent.query or ""),
        referrer=sent.ref or "",
        title=sent.title or "",
        width=_width_of(sent.size),
        language=sent.language or "",
        bot=bool(sent.bot),
        claim=_claim_of(sent, token, no_sessions),
    )


def _claim_of(sent: _Sent, token: str, no_sessions: bool) -> Claim:
    """Whose hit it is: by address and agent, else by the session, else nobody's."""
    address, agent = address_in(sent.ip), sent.user_agent or ""
    is_known = bool(address and agent)
    session = "" if is_known else sent.session or ""
    if not (is_known or session):
        if not no_sessions:
            raise ValueError("ip and user_agent, or session: must be set")
        session = secrets.token_hex(8)
    return Claim(
        token,
        address,
        agent or None,
        time_in(sent.created_at),
        session=session,
        place=_place_in(sent.location or ""),
    )


def _place_in(text: str) -> Place | None:
    """The place of `NL` or `NL-NB` (ISO 3166); None if it is none."""
    if not _PLACE.fullmatch(text):
        return None
    country, hyphen, _ = text.partition("-")
    return Place(country, text if hyphen else "")


def _width_of(size: list[float] | str | None) -> int:
    if isinstance(size, list):
        return width_of(f"{size[0]:.0f}") if size else 0
    return width_of(size or "")


def _answer(
    status: int, body: Any, headers: tuple[tuple[bytes, bytes], ...] = ()
) -> Answer:
    encoded = msgspec.json.encode(body)
    return answer_of(status, b"application/json", encoded, (*headers, _KEEP_NOT))


PROTOCOL = BulkProtocol("goatcounter", ("POST",), decode, refuse)
