"""`POST /api/send` and `/api/batch`: Umami's format.

A body is `{"type": …, "payload": {…}}`, a batch a list of them. The site is found by
`website`, which is Umami's id of it, one of the site's aliases, or by its domain. Of
the types only `event` is a hit: a view, or the event that `payload.name` names.
`identify` and `performance` are accepted, but nothing of them is stored. See
https://umami.is/docs/api/sending-stats.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec

from page_tracker.errors import NotStoredError
from page_tracker.hits.hit import Claim, Drop, Kind, RawHit, Reason, Sender
from page_tracker.hits.money import money_of
from page_tracker.hits.text import clean
from page_tracker.nesting import shallow
from page_tracker.protocols.bulk import MAX_PARTS, Bulk, BulkProtocol, Fate, Part
from page_tracker.protocols.claims import address_in, time_in, token_in, with_ids
from page_tracker.protocols.request import (
    MAX_EVENT_ID,
    Answer,
    NothingToCountError,
    Request,
    answer_of,
    header_text,
    is_event_id,
    reasons_of,
)
from page_tracker.schema import LIMITS, PROPS_LIMIT

_T = TypeVar("_T")

_TYPES = ("event", "identify", "performance")
_MAX_DEPTH = 8
# Numbers are stored with this many decimals.
_DECIMALS = 4

_BLOCKED = frozenset((Reason.BLOCKED_ADDRESS, Reason.OWN_ADDRESS))
_STATUS_WORDS = {
    400: "bad-request",
    401: "unauthorized",
    403: "forbidden",
    413: "payload-too-large",
    429: "too-many-requests",
}
_KEEP_NOT = (b"cache-control", b"no-store")
_EXPOSED = (
    b"access-control-expose-headers",
    b"Retry-After, X-Page-Tracker-Dropped",
)


class _InvalidError(Exception):
    """A body that is invalid: which field, and why."""


def decode_one(request: Request, sender: Sender) -> Bulk:
    """Read `/api/send`. Raises NothingToCountError if it carries no hit."""
    body = _json_of(request.body)
    try:
        raw = _hit_of(body, token_in(request.headers))
    except _InvalidError as error:
        raise NothingToCountError(
            refuse(400, str(error), ()), _refused(body, str(error))
        ) from error
    if raw is None:
        raise NothingToCountError(_answer(200, {}))
    return Bulk([Part(raw, sender)], _accept_one)


def decode_batch(request: Request, sender: Sender) -> Bulk:
    """Read `/api/batch`; an error in one body does not affect the others."""
    bodies = _json_of(request.body)
    if not isinstance(bodies, list) or not bodies:
        raise NothingToCountError(refuse(400, "a batch is a list of events", ()))
    if len(bodies) > MAX_PARTS:
        why = f"a batch has at most {MAX_PARTS} events"
        raise NothingToCountError(refuse(413, why, ()))
    token = token_in(request.headers)
    raws: list[RawHit] = []
    refused: list[RawHit] = []
    outcomes: list[int | Answer] = []  # a hit's place, or an answer without a hit
    for body in bodies:
        try:
            raw = _hit_of(body, token)
        except _InvalidError as error:
            outcomes.append(refuse(400, str(error), ()))
            refused += _refused(body, str(error))
            continue
        if raw is None:
            outcomes.append(_answer(200, {}))
        else:
            outcomes.append(len(raws))
            raws.append(raw)
    accept = partial(_accept_batch, outcomes)
    if not raws:
        raise NothingToCountError(accept(()), refused)
    parts = [Part(raw, sender) for raw in with_ids(request.body, raws)]
    return Bulk(parts, accept, refused)


def refuse(status: int, why: str, headers: tuple[tuple[bytes, bytes], ...]) -> Answer:
    """Refuse in the words and the form of Umami's errors."""
    code = _STATUS_WORDS.get(status, "server-error" if status >= 500 else "bad-request")
    error = {"message": why, "code": code, "status": status}
    return _answer(status, {"error": error}, (*headers, _EXPOSED))


def _accept_one(fates: Sequence[Fate]) -> Answer:
    (fate,) = fates
    if isinstance(fate, NotStoredError):
        retry_after = (b"retry-after", b"%d" % fate.retry_after)
        return refuse(fate.status, str(fate), (retry_after,))
    if not fate:
        return _OK
    return _dropped(fate)


def _accept_batch(outcomes: Sequence[int | Answer], fates: Sequence[Fate]) -> Answer:
    """How many were accepted, and what is wrong with the others.

    If nothing could be stored, the whole batch is refused, so that its sender can
    send it again; if only a part could not, that part is among the errors.
    """
    if fates and all(isinstance(fate, NotStoredError) for fate in fates):
        return _accept_one(fates[:1])
    answers = [
        _accept_one([fates[each]]) if isinstance(each, int) else each
        for each in outcomes
    ]
    wrong = [
        {"index": index, "response": msgspec.json.decode(answer.body)}
        for index, answer in enumerate(answers)
        if answer.status != 200
    ]
    return _answer(
        200,
        {
            "size": len(answers),
            "processed": len(answers) - len(wrong),
            "errors": len(wrong),
            "details": wrong,
        },
    )


def _dropped(drops: Sequence[Drop]) -> Answer:
    reasons = {drop.reason for drop in drops}
    told = (b"x-page-tracker-dropped", header_text(reasons_of(drops)))
    if Reason.UNKNOWN_SITE in reasons:
        return refuse(400, "Website not found.", (told,))
    if Reason.NO_TOKEN in reasons:
        return refuse(401, "Unauthorized", (told,))
    if reasons & _BLOCKED:
        return refuse(403, "Forbidden", (told,))
    body = {"beep": "boop"} if Reason.BOT in reasons else {}
    return _answer(200, body, (told, _EXPOSED))


def _json_of(body: bytes) -> Any:
    try:
        return msgspec.json.decode(shallow(body))
    except ValueError:
        pass
    try:
        return json.loads(shallow(body))  # accepts lone surrogates, which browsers send
    except ValueError as error:
        why = "the body is no JSON"
        raise NothingToCountError(refuse(400, why, ())) from error


def _hit_of(body: Any, token: str) -> RawHit | None:
    """The hit of one body; None if its type carries none. Raises _InvalidError."""
    if not isinstance(body, dict) or body.get("type") not in _TYPES:
        raise _InvalidError(f"type: must be one of {', '.join(_TYPES)}")
    payload = body.get("payload")
    if not isinstance(payload, dict):
        raise _InvalidError("payload: must be an object")
    site = _text_in(payload, "website").strip()
    if not site:
        raise _InvalidError("payload.website: must be set")
    if body["type"] != "event":
        return None
    name = clean(_text_in(payload, "name"), LIMITS["name"] + 1).strip()
    if len(name) > LIMITS["name"]:
        most = LIMITS["name"]
        raise _InvalidError(f"payload.name: must have at most {most} characters")
    data = payload.get("data")
    said = data if isinstance(data, dict) else {}
    revenue, currency, unread = _revenue_of(said) if name else (None, "", "")
    return RawHit(
        site=site,
        kind=Kind.EVENT if name else Kind.VIEW,
        name=name or "pageview",
        url=_url_of(payload),
        referrer=_text_in(payload, "referrer"),
        title=_text_in(payload, "title"),
        props=_props_of(said, _text_in(payload, "tag")),
        revenue=revenue,
        currency=currency,
        unread_revenue=unread,
        width=_width_of(_text_in(payload, "screen")),
        language=_text_in(payload, "language"),
        user=user if isinstance(user := payload.get("id"), str) else "",
        event_id=_event_id_of(body),
        claim=_claim_in(payload, token) if token else None,
    )


def _event_id_of(body: Mapping[str, Any]) -> str:
    """Our script's own name for the event, beside the payload; '' if it has none."""
    event_id = body.get("id")
    if event_id is None:
        return ""
    if not isinstance(event_id, str) or not is_event_id(event_id):
        raise _InvalidError(f"id: should be printable ASCII, up to {MAX_EVENT_ID}")
    return event_id


def _claim_in(payload: Mapping[str, Any], token: str) -> Claim:
    return Claim(
        token,
        _valid(payload, "ip", address_in),
        _text_in(payload, "userAgent"),
        _valid(payload, "timestamp", time_in),
    )


def _valid(payload: Mapping[str, Any], name: str, read: Callable[[Any], _T]) -> _T:
    try:
        return read(payload.get(name))
    except ValueError as error:
        raise _InvalidError(f"payload.{name}: {error}") from error


def _refused(body: Any, why: str) -> tuple[RawHit, ...]:
    """The report to the site's owner, if the body names the site."""
    payload = body.get("payload") if isinstance(body, dict) else None
    site = payload.get("website") if isinstance(payload, dict) else None
    if not isinstance(site, str) or not site.strip():
        return ()
    return (RawHit(site=site.strip(), url="", refused=why),)


def _text_in(payload: Mapping[str, Any], name: str) -> str:
    """A field's text; empty if it is missing. Raises _InvalidError for other types."""
    value = payload.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _InvalidError(f"payload.{name}: must be a string")
    return value


def _url_of(payload: Mapping[str, Any]) -> str:
    """The full address; a sender may give only the path."""
    url, hostname = _text_in(payload, "url"), _text_in(payload, "hostname")
    if "://" in url.partition("?")[0] or not hostname:
        return url
    return f"https://{hostname}/{url.lstrip('/')}"


def _width_of(screen: str) -> int:
    """The width in `1280x720`; 0 if there is none."""
    width = screen.partition("x")[0].strip()
    return int(width) if width.isascii() and width.isdecimal() and len(width) < 6 else 0


def _revenue_of(data: Mapping[str, Any]) -> tuple[int | None, str, str]:
    """Thousandths and currency; or the original text, if it is not an amount."""
    amount, currency = data.get("revenue"), data.get("currency")
    if amount in (None, "") or isinstance(amount, bool):
        return None, "", ""
    if money := money_of(amount, currency):
        return (*money, "") if money[0] > 0 else (None, "", "")
    return None, "", f"{amount} {currency or '(no currency)'}"[: LIMITS["name"]]


def _props_of(data: Mapping[str, Any], tag: str) -> dict[str, str]:
    """Event data, flat: `{"a": {"b": 1}}` is `a.b`; a list is its JSON text."""
    props = {"tag": tag} if tag else {}
    for key, value in _flat(data, "", _MAX_DEPTH):
        text = _prop_text(value)
        if text and not text.isspace():
            props[key] = text
        if len(props) == PROPS_LIMIT:
            break
    return props


def _flat(data: Mapping[str, Any], start: str, depth: int) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in data.items():
        if isinstance(value, dict) and depth:
            found += _flat(value, f"{start}{key}.", depth - 1)
        else:
            found.append((f"{start}{key}", value))
    return found


def _prop_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
    if isinstance(value, int):
        return str(value)
    return json.dumps(value, ensure_ascii=False) if value else ""


def _answer(
    status: int, body: Any, headers: tuple[tuple[bytes, bytes], ...] = ()
) -> Answer:
    encoded = msgspec.json.encode(body)
    return answer_of(status, b"application/json", encoded, (*headers, _KEEP_NOT))


# Without the `cache` that Umami gives its script: the script only sends it back with
# each later hit, and nothing here would need it.
_OK = _answer(200, {})

SEND = BulkProtocol("umami", ("POST",), decode_one, refuse)
BATCH = BulkProtocol("umami", ("POST",), decode_batch, refuse)
