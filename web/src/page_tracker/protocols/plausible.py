"""`POST /api/event`: Plausible's event format, which our own script uses too.

In addition to Plausible's fields: `id` (the sender's name for the event, so that a
repeat is not a second hit), `w` (width of the screen in CSS pixels), `t` (title of the
page) and `user` (who the visitor is in the site's own words). See
https://plausible.io/docs/events-api.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import ceil, isnan
from typing import Any
from urllib.parse import urlsplit

import msgspec

from page_tracker.hits.hit import Claim, Drop, Kind, RawHit, Reason, Sender
from page_tracker.hits.money import money_of
from page_tracker.hits.text import clean
from page_tracker.nesting import shallow
from page_tracker.protocols.claims import claim_in
from page_tracker.protocols.request import (
    MAX_EVENT_ID,
    Answer,
    NothingToCountError,
    Protocol,
    Request,
    answer_of,
    header_text,
    is_event_id,
    reasons_of,
)
from page_tracker.schema import LIMITS, PROP_KEY_LIMIT, PROP_VALUE_LIMIT, PROPS_LIMIT
from page_tracker.sites.site import bare_host

MAX_NAME = LIMITS["name"]
MAX_URL = 65_536  # the parts of it that are stored have their own limits
MAX_SITES = 30
MAX_ENGAGED = 86_400_000  # milliseconds: a visit ends with the day

_REFUSED_SCHEMES = ("data:", "javascript:", "vbscript:", "blob:")
_EXPOSED = b"Retry-After, X-Plausible-Dropped, X-Page-Tracker-Dropped"


_YES = (1, "1")


class InvalidFieldError(Exception):
    """A field that is invalid, and why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(field, message)
        self.field = field
        self.message = message


class Event(msgspec.Struct, kw_only=True, gc=False):
    """A body: each field by its short and its long name, and of any type."""

    n: Any = None
    name: Any = None
    u: Any = None
    url: Any = None
    d: Any = None
    domain: Any = None
    r: Any = None
    referrer: Any = None
    m: Any = None
    meta: Any = None
    p: Any = None
    props: Any = None
    short_revenue: Any = msgspec.field(default=None, name="$")
    revenue: Any = None
    i: Any = None
    interactive: Any = None
    h: Any = None
    hash_mode: Any = msgspec.field(default=None, name="hashMode")
    sd: Any = None
    e: Any = None
    id: Any = None
    w: Any = None
    t: Any = None
    user: Any = None


_decoder = msgspec.json.Decoder(Event)


def decode(request: Request, sender: Sender) -> list[RawHit]:
    """Read the event: one hit for each site that it names.

    Raises NothingToCountError: 400 {"errors": {field: [message]}} if it is invalid,
    200 with the client's address if the sender asks for it by
    `X-Debug-Request: true`.
    """
    event = _event_of(request.body)
    is_debug = request.headers.get(b"x-debug-request") == b"true"
    try:
        hits = _hits_of(event, claim_in(request.headers))
    except InvalidFieldError as error:
        faults = _faults_of(event)
        refused = () if is_debug else _refused(event, faults)
        raise NothingToCountError(_errors(400, faults), refused) from error
    if is_debug:
        address = sender.address.encode()
        raise NothingToCountError(answer_of(200, _TEXT, address, (_KEEP_NOT,)))
    return hits


def accept(drops: Sequence[Drop]) -> Answer:
    """202 `ok`, with how many were dropped and why, and what was left out of others."""
    if not drops:
        return _OK
    dropped = sum(drop.reason != Reason.INVALID_REVENUE for drop in drops)
    return _dropped(dropped, reasons_of(drops))


def refuse(status: int, why: str, headers: tuple[tuple[bytes, bytes], ...]) -> Answer:
    """Refuse a request for a reason other than one of its fields."""
    exposed = (b"access-control-expose-headers", _EXPOSED)
    return _errors(status, {"request": [why]}, (*headers, exposed))


def _hits_of(event: Event, claim: Claim | None) -> list[RawHit]:
    name = _name_of(event)
    url = _url_of(event)
    props = _props_of(event)
    event_id = _event_id_of(event)
    revenue, currency, unread_revenue = _revenue_of(event)
    referrer, title, width = event.r or event.referrer, event.t, event.w
    engaged = scroll = None
    kind = _kind_of(name, event)
    if kind is Kind.ENGAGEMENT:
        engaged, scroll = _engaged_of(event)
    return [
        RawHit(
            site,
            url,
            kind=kind,
            name=name,
            referrer=referrer if isinstance(referrer, str) else "",
            title=title if isinstance(title, str) else "",
            props=props,
            revenue=revenue,
            currency=currency,
            unread_revenue=unread_revenue,
            width=width if isinstance(width, int) else 0,
            user=event.user if isinstance(event.user, str) else "",
            engaged=engaged,
            scroll=scroll,
            event_id=event_id,
            claim=claim,
        )
        for site in _sites_of(event)
    ]


def _event_of(body: bytes) -> Event:
    try:
        return _decoder.decode(shallow(body))
    except ValueError:
        return _lenient_event_of(body)


def _lenient_event_of(body: bytes) -> Event:
    """Read what browsers may write but msgspec refuses: lone surrogates."""
    try:
        return msgspec.convert(json.loads(shallow(body)), Event)
    except ValueError as error:
        faults = {"request": ["Unable to parse request body as json"]}
        raise NothingToCountError(_errors(400, faults)) from error


def _name_of(event: Event) -> str:
    name = event.n if event.n is not None else event.name
    if isinstance(name, int) and not isinstance(name, bool):
        name = str(name)
    if not isinstance(name, str):
        raise InvalidFieldError("event_name", "can't be blank")
    if len(name) > MAX_NAME:
        raise InvalidFieldError(
            "event_name", f"should be at most {MAX_NAME} character(s)"
        )
    name = clean(name, MAX_NAME)
    if not name.strip():
        raise InvalidFieldError("event_name", "can't be blank")
    if name == "engagement" and _engaged_of(event) == (None, None):
        raise InvalidFieldError(
            "event_name",
            "engagement event requires a valid integer value for at least one of "
            "'sd' or 'e' fields",
        )
    return name


def _kind_of(name: str, event: Event) -> Kind:
    """Its kind: in this format two event names decide it."""
    if name == "pageview":
        return Kind.VIEW
    if name == "engagement":
        return Kind.ENGAGEMENT
    is_quiet = event.i is False or event.interactive is False
    return Kind.QUIET if is_quiet else Kind.EVENT


def _url_of(event: Event) -> str:
    url = event.u if event.u is not None else event.url
    if url is None or url == "":
        raise InvalidFieldError("url", "is required")
    if not isinstance(url, str):
        raise InvalidFieldError("url", "must be a string")
    if len(url) > MAX_URL:
        raise InvalidFieldError("url", f"should be at most {MAX_URL} character(s)")
    if url.lstrip().lower().startswith(_REFUSED_SCHEMES):
        raise InvalidFieldError("url", "scheme is not allowed")
    if "#" in url and not (event.h in _YES or event.hash_mode in _YES):
        return url.partition("#")[0]
    return url


def _sites_of(event: Event) -> list[str]:
    domain = event.d if event.d is not None else event.domain
    if isinstance(domain, str):
        if "," not in domain and (site := domain.strip()):
            return [site]
        sites = [site.strip() for site in domain.split(",", MAX_SITES)]
    else:
        sites = [_host_of(event)]
    if not any(sites):
        raise InvalidFieldError("domain", "can't be blank")
    if len(sites) > MAX_SITES:
        raise InvalidFieldError("domain", f"should name at most {MAX_SITES} sites")
    # However its domain is written, each site gets the event once.
    by_host = {bare_host(site[: LIMITS["site"]]): site for site in sites if site}
    return list(by_host.values())


def _host_of(event: Event) -> str:
    url = event.u if event.u is not None else event.url
    try:
        return (urlsplit(url).hostname or "") if isinstance(url, str) else ""
    except ValueError:
        return ""


def _props_of(event: Event) -> dict[str, str]:
    said = event.m or event.meta or event.p or event.props
    if not said:
        return {}
    props = _object_in(said)
    kept: dict[str, str] = {}
    for key, value in props.items():
        text = _prop_value_of(value)
        if not text or text.isspace():
            continue
        if _bytes_in(key) > PROP_KEY_LIMIT or _bytes_in(text) > PROP_VALUE_LIMIT:
            raise InvalidFieldError(
                "props",
                f"keys should have at most {PROP_KEY_LIMIT} bytes and values "
                f"{PROP_VALUE_LIMIT} bytes",
            )
        kept[key] = text
        if len(kept) == PROPS_LIMIT:
            break
    return kept


def _prop_value_of(value: Any) -> str:
    """A value as text; empty if the value is to be left out."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return ""


def _bytes_in(text: str) -> int:
    return len(text.encode(errors="replace"))


def _revenue_of(event: Event) -> tuple[int | None, str, str]:
    """Thousandths and currency; or the original text, if it is not an amount."""
    said = event.short_revenue or event.revenue
    if not said:
        return None, "", ""
    revenue = _object_in(said)
    amount, currency = revenue.get("amount"), revenue.get("currency")
    money = money_of(amount, currency)
    if money:
        return *money, ""
    if revenue and amount in (None, ""):
        return None, "", ""  # as for a button whose amount is left empty
    told = f"{amount} {currency or '(no currency)'}" if revenue else str(said)
    return None, "", told[:MAX_NAME]


def _object_in(value: Any) -> dict[str, Any]:
    """An object, or one in a string of JSON; empty for anything else."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(shallow(value))
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def _event_id_of(event: Event) -> str:
    event_id = event.id
    if event_id is None:
        return ""
    if not isinstance(event_id, str):
        raise InvalidFieldError("id", "must be a string")
    if len(event_id) > MAX_EVENT_ID:
        raise InvalidFieldError("id", f"should be at most {MAX_EVENT_ID} character(s)")
    if not is_event_id(event_id):
        raise InvalidFieldError("id", "should be printable ASCII")
    return event_id


def _engaged_of(event: Event) -> tuple[int | None, int | None]:
    """Milliseconds and percent; negative times, from a clock set back, are ignored."""
    engaged = scroll = None
    if _is_number(event.e) and event.e >= 0:
        engaged = int(min(event.e, MAX_ENGAGED))
    if _is_number(event.sd):
        scroll = ceil(min(max(event.sd, 0), 100))
    return engaged, scroll


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        return not isnan(value)
    return isinstance(value, int) and not isinstance(value, bool)


_CHECKS: tuple[Callable[[Event], object], ...] = (
    _name_of,
    _url_of,
    _sites_of,
    _props_of,
    _event_id_of,
)


def _faults_of(event: Event) -> dict[str, list[str]]:
    """Everything that is wrong with an event, by field."""
    faults: dict[str, list[str]] = {}
    for check in _CHECKS:
        try:
            check(event)
        except InvalidFieldError as error:
            faults.setdefault(error.field, []).append(error.message)
    return faults


def _refused(event: Event, faults: dict[str, list[str]]) -> list[RawHit]:
    """The report to its sites' owners, if it names the sites."""
    if "domain" in faults:
        return []
    why = "; ".join(f"{field}: {what[0]}" for field, what in faults.items())
    return [RawHit(site=site, url="", refused=why) for site in _sites_of(event)]


def _errors(
    status: int,
    faults: dict[str, list[str]],
    headers: tuple[tuple[bytes, bytes], ...] = (),
) -> Answer:
    body = msgspec.json.encode({"errors": faults})
    return answer_of(status, b"application/json", body, (*headers, _KEEP_NOT))


_TEXT = b"text/plain; charset=utf-8"
_KEEP_NOT = (b"cache-control", b"no-store")
_OK = answer_of(202, _TEXT, b"ok", (_KEEP_NOT,))


@lru_cache(4096)
def _dropped(number: int, reasons: str) -> Answer:
    headers = (
        *([(b"x-plausible-dropped", b"%d" % number)] if number else []),
        (b"x-page-tracker-dropped", header_text(reasons)),
        (b"access-control-expose-headers", _EXPOSED),
        _KEEP_NOT,
    )
    return answer_of(202, _TEXT, b"ok", headers)


PROTOCOL = Protocol("plausible", ("POST",), decode, accept, refuse)
