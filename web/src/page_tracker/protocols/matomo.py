"""`matomo.php` and `piwik.php`: Matomo's tracking HTTP API.

    GET or POST, parameters in the query, the body or both → one event
    POST of {"requests": […]}, under any Content-Type      → an event for each

Parameters are in `matomo_parameters`. If an answer is not 2xx, matomo.js sends the same
hit once more as an image: it has the same parameters, of which `r` or `rand` are
random, and they are the event's id. See
https://developer.matomo.org/api-reference/tracking-api.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import msgspec

from page_tracker.errors import NotStoredError
from page_tracker.hits.hit import Drop, RawHit, Reason, Sender
from page_tracker.nesting import shallow
from page_tracker.protocols.bulk import (
    MAX_PARTS,
    Bulk,
    BulkProtocol,
    Fate,
    Part,
    first_refusal,
)
from page_tracker.protocols.claims import token_in, with_ids
from page_tracker.protocols.goatcounter import GIF
from page_tracker.protocols.matomo_parameters import InvalidParameterError, hit_of
from page_tracker.protocols.query_string import fields_in
from page_tracker.protocols.request import (
    Answer,
    NothingToCountError,
    Request,
    answer_of,
    header_text,
    reasons_of,
)

# Where Matomo's own scripts, plugins and clients of all versions send to.
PATHS = ("/matomo.php", "/piwik.php", "/js/tracker.php")

_MAX_FIELDS = 1_000
_DROPPED = b"x-page-tracker-dropped"
_MISTAKES = (Reason.UNKNOWN_SITE, Reason.NO_TOKEN)
_EXPOSED = (b"access-control-expose-headers", b"Retry-After, X-Page-Tracker-Dropped")
_KEEP_NOT = (b"cache-control", b"no-store")
_HELLO = b"This is where Page Tracker takes hits in Matomo's format.\n"


def decode(request: Request, sender: Sender) -> Bulk:
    """Read one hit or many. Raises NothingToCountError if nothing is to be stored.

    400, but still with an image, for invalid parameters.
    """
    if b'"requests"' in request.body:
        return _bulk_of(request, sender)
    text = request.query
    if request.body:
        # Of what both say the last counts.
        text = f"{request.body.decode('utf-8', 'replace')}&{text}".rstrip("&")
    parameters = _pairs(text)
    if not parameters:
        status = 200 if request.method == "GET" else 400
        raise NothingToCountError(answer_of(status, b"text/plain", _HELLO))
    has_image = parameters.get("send_image") != "0"
    page = request.header(b"referer")
    try:
        raw = hit_of(parameters, text, page, token_in(request.headers))
    except InvalidParameterError as error:
        raise NothingToCountError(
            _plain(400, has_image, str(error)), error.refused
        ) from error
    if raw is None:
        raise NothingToCountError(_plain(200, has_image))
    return Bulk((Part(raw, sender),), partial(_accept_one, has_image))


def refuse(status: int, why: str, headers: tuple[tuple[bytes, bytes], ...]) -> Answer:
    """Refuse with an image, so that no page shows a broken one."""
    dropped_header = (_DROPPED, header_text(why))
    return answer_of(
        status, b"image/gif", GIF, (dropped_header, *headers, _EXPOSED, _KEEP_NOT)
    )


def _bulk_of(request: Request, sender: Sender) -> Bulk:
    try:
        body = msgspec.json.decode(shallow(request.body))
    except ValueError as error:
        raise NothingToCountError(refuse(400, "no JSON", ())) from error
    items = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise NothingToCountError(refuse(400, "requests: must be a list", ()))
    if len(items) > MAX_PARTS:
        why = f"requests: at most {MAX_PARTS} are taken"
        raise NothingToCountError(refuse(413, why, ()))
    token = _text(body.get("token_auth")) or token_in(request.headers)
    found = _read_all(items, token)
    has_body = body.get("send_image") not in (0, "0", False)
    accept = partial(
        _accept_bulk, len(items), found.invalid, list(found.raws), has_body
    )
    if not found.raws:
        raise NothingToCountError(accept(()), found.refused)
    raws = with_ids(request.body, list(found.raws.values()))
    return Bulk([Part(raw, sender) for raw in raws], accept, found.refused)


class _Found(NamedTuple):
    """What the items of a request are: hits by their places, and which are invalid."""

    raws: dict[int, RawHit]
    invalid: list[int]
    # The report to the sites' owners.
    refused: list[RawHit]


def _read_all(items: Sequence[Any], token: str) -> _Found:
    found = _Found({}, [], [])
    for place, item in enumerate(items):
        try:
            raw = _hit_in(item, token)
        except InvalidParameterError as error:
            found.invalid.append(place)
            found.refused.extend(error.refused)
            continue
        if raw is not None:
            found.raws[place] = raw
    return found


def _accept_one(has_image: bool, fates: Sequence[Fate]) -> Answer:
    (fate,) = fates
    if isinstance(fate, NotStoredError):
        return _refuse_all(fate)
    if not fate:
        return _plain(200, has_image)
    if _is_refused(fate):
        return _plain(400, has_image, reasons_of(fate))
    return _plain(200, has_image, reasons_of(fate))


def _accept_bulk(
    number: int,
    invalid: Sequence[int],
    places: Sequence[int],
    has_body: bool,
    fates: Sequence[Fate],
) -> Answer:
    """How many were tracked, including those that do not count, as in Matomo.

    If one could not be stored, all of them are refused, since their sender repeats
    them all; the others are then recognised by their ids, and count once.
    """
    if refused := first_refusal(fates):
        return _refuse_all(refused)
    dropped = [
        place
        for place, fate in zip(places, fates, strict=True)
        if not isinstance(fate, NotStoredError) and _is_refused(fate)
    ]
    wrong = sorted((*invalid, *dropped))
    if not has_body:
        return _plain(200, False)
    said: dict[str, Any] = {
        "status": "success",
        "tracked": number - len(wrong),
        "invalid": len(wrong),
    }
    if wrong:
        said["invalid_indices"] = wrong
    return answer_of(
        200, b"application/json", msgspec.json.encode(said), (_EXPOSED, _KEEP_NOT)
    )


def _is_refused(fate: Sequence[Drop]) -> bool:
    """Whether it is a mistake of the sender's; whatever else is dropped was tracked."""
    return any(drop.reason in _MISTAKES for drop in fate)


def _refuse_all(error: NotStoredError) -> Answer:
    retry_after = (b"retry-after", b"%d" % error.retry_after)
    return refuse(error.status, str(error), (retry_after,))


@lru_cache(4_096)
def _plain(status: int, has_image: bool, dropped: str = "") -> Answer:
    """An image, or the same without one: then 204 instead of 200."""
    dropped_header = ((_DROPPED, header_text(dropped)),) if dropped else ()
    headers = (*dropped_header, _EXPOSED, _KEEP_NOT)
    if has_image:
        return answer_of(status, b"image/gif", GIF, headers)
    return answer_of(204 if status == 200 else status, b"text/plain", b"", headers)


def _pairs(text: str) -> dict[str, str]:
    try:
        pairs = fields_in(text, _MAX_FIELDS)
    except ValueError as error:
        why = f"at most {_MAX_FIELDS} parameters are read"
        raise NothingToCountError(refuse(400, why, ())) from error
    return dict(pairs)


def _hit_in(item: Any, token: str) -> RawHit | None:
    """The hit of one item of a bulk: a query, an address, or an object."""
    if isinstance(item, str):
        _, mark, query = item.partition("?")
        text = query if mark else item
        said = _pairs(text)
    elif isinstance(item, dict):
        said = {name: _text(value) for name, value in item.items()}
        text = "&".join(f"{name}={value}" for name, value in sorted(said.items()))
    else:
        raise InvalidParameterError("request", "is neither a query nor an object")
    return hit_of(said, text, "", token)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int | float):
        return str(value)
    return "" if value is None else msgspec.json.encode(value).decode()


PROTOCOL = BulkProtocol("matomo", ("GET", "POST"), decode, refuse)
