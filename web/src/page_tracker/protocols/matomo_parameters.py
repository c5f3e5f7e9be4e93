"""What a Matomo request's parameters mean: one hit, or none.

The first of these that is recognised is what happened; otherwise it is a view:

| recognised by | is counted as |
|---|---|
| `recMode=1` | a bot's, by its own declaration |
| `ping=1` | an engagement, which only keeps its visit open |
| `idgoal=0` | the event `Order` with `ec_id`, else `Cart Update` |
| `idgoal` | the event `Goal N` |
| `e_c`, `e_a` | the event `CATEGORY: ACTION` |
| `c_n` | the event `Content Interaction` with `c_i`, else `Content Impression` |
| `search` | the event `Site Search` |
| `link`, `download` | the events `Outbound Link: Click`, `File Download` |
| `ca=1` | nothing: an action of a plugin that is unknown here |

Matomo's amounts name no currency: they are stored as the property `revenue`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from page_tracker.days import DAY_SECONDS, MICROSECONDS
from page_tracker.hits.hit import Claim, Kind, RawHit
from page_tracker.hits.text import clean
from page_tracker.nesting import shallow
from page_tracker.protocols.claims import address_in, time_in
from page_tracker.schema import LIMITS

_Parameters = Mapping[str, str]
_T = TypeVar("_T")

# Characters; longer addresses are not remembered, so that nobody can make it grow.
_SHORT = 1_024
# Microseconds; Matomo too takes what is no older without a token.
_YOUNG = DAY_SECONDS * MICROSECONDS

_NO_PROPS: Mapping[str, str | None] = MappingProxyType({})
_UNSAID = ("", "false", "null", "undefined")
_MAX_NAME = LIMITS["name"]
_VISITOR_ID = re.compile("[0-9a-fA-F]{16}")
_DIMENSION = re.compile("dimension[0-9]{1,4}")
# Names that Matomo reads a campaign from, and ours, in order of precedence.
_CAMPAIGNS = {
    "utm_campaign": "mtm_campaign matomo_campaign mtm_cpn pk_campaign piwik_campaign"
    " pk_cpn",
    "utm_term": "mtm_keyword matomo_kwd mtm_kwd pk_keyword piwik_kwd pk_kwd",
    "utm_source": "mtm_source pk_source",
    "utm_medium": "mtm_medium pk_medium",
    "utm_content": "mtm_content pk_content",
}
_OURS = {theirs: ours for ours, names in _CAMPAIGNS.items() for theirs in names.split()}
_CAMPAIGN = re.compile(rf"(?:^|[?&])(?:{'|'.join(_OURS)})=")


class InvalidParameterError(Exception):
    """A parameter that is invalid; `refused` is the report for the site's owner."""

    def __init__(self, name: str, why: str, refused: Sequence[RawHit] = ()) -> None:
        super().__init__(f"{name} {why}")
        self.refused = refused


def hit_of(said: _Parameters, text: str, page: str, token: str) -> RawHit | None:
    """The hit of a request's parameters, which are written as `text`; `page` is its
    Referer, `token` what it shows.

    None if nothing is to be counted. Raises InvalidParameterError.
    """
    site = said.get("idsite", "").strip()
    try:
        _check(said, site)
        claim = _claim_in(said, token)
    except InvalidParameterError as error:
        error.refused = [RawHit(site=site, url="", refused=str(error))] if site else ()
        raise
    if said.get("rec") != "1":
        return None
    found = _meant_by(said)
    if found is _NOTHING:
        return None
    url, referrer = said.get("url", ""), said.get("urlref", "")
    is_custom = "dimension" in text or "cvar" in text  # of most hits nothing is
    return RawHit(
        site=site,
        kind=found.kind,
        name=found.name,
        url=_page_of(url if url or referrer else page),
        referrer="" if said.get("ignore_referrer") == "1" else referrer,
        title=said.get("action_name", ""),
        props={**found.props, **_custom(said)} if is_custom else found.props,
        width=_width_of(said.get("res", "")),
        language=said.get("lang", ""),
        user=said.get("uid", ""),
        event_id=found.event_id or _id_of(said, text),
        bot=said.get("recMode") == "1",
        claim=claim,
    )


def _id_of(said: _Parameters, text: str) -> str:
    """A request's id, the same when it is sent again; empty if there is none."""
    if not (said.get("r") or said.get("rand")):
        return ""
    # What is sent again as an image says so.
    written = text.replace("send_image=1", "send_image=0")
    sent = written.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(sent, digest_size=16).hexdigest()


def _check(said: _Parameters, site: str) -> None:
    if not site:
        raise InvalidParameterError("idsite", "must be set")
    if (visitor := said.get("cid")) and not _VISITOR_ID.fullmatch(visitor):
        raise InvalidParameterError("cid", "must be 16 hexadecimal digits")


def _claim_in(said: _Parameters, token: str) -> Claim | None:
    """What is said of the visitor; a time of today's counts without a token as now."""
    shown = said.get("token_auth") or token
    address, time, ago = said.get("cip"), said.get("cdt"), said.get("cdo")
    if not (shown or address or time or ago):
        return None
    claim = Claim(
        shown,
        _valid("cip", address_in, address),
        said.get("ua", ""),
        _valid("cdt", time_in, time),
        abs(_valid("cdo", time_in, ago)),
    )
    return claim if address else claim._replace(ignored_below=_YOUNG)


def _valid(name: str, read: Callable[[Any], _T], said: Any) -> _T:
    try:
        return read(said)
    except ValueError as error:
        raise InvalidParameterError(name, str(error)) from error


def _ping(said: _Parameters) -> RawHit | None:
    if said.get("ping") != "1":
        return None
    return _hit(Kind.ENGAGEMENT, "engagement")


def _order(said: _Parameters) -> RawHit | None:
    if said.get("idgoal") != "0":
        return None
    amounts = {
        "revenue": said.get("revenue"),
        "subtotal": said.get("ec_st"),
        "tax": said.get("ec_tx"),
        "shipping": said.get("ec_sh"),
        "discount": said.get("ec_dt"),
        "items": _number_of_items(said.get("ec_items", "")),
    }
    order = said.get("ec_id", "")
    if not order:
        return _hit(Kind.QUIET, "Cart Update", amounts)
    found = _hit(Kind.EVENT, "Order", {"order": order, **amounts})
    # Looking at the confirmation again is not another purchase.
    return msgspec.structs.replace(found, event_id=_id_text(f"ec:{order}"))


def _goal(said: _Parameters) -> RawHit | None:
    goal = said.get("idgoal", "")
    if goal in _UNSAID:
        return None
    return _hit(Kind.EVENT, f"Goal {goal}", {"revenue": said.get("revenue")})


def _event(said: _Parameters) -> RawHit | None:
    category, action = said.get("e_c", "").strip(), said.get("e_a", "").strip()
    if not (category and action):
        return None
    props = {
        "category": category,
        "action": action,
        "name": said.get("e_n"),
        "value": said.get("e_v"),
    }
    return _hit(Kind.EVENT, f"{category}: {action}", props)


def _content(said: _Parameters) -> RawHit | None:
    name = said.get("c_n", "")
    if name in _UNSAID:
        return None
    action = said.get("c_i", "")
    props = {
        "name": name,
        "piece": said.get("c_p"),
        "target": said.get("c_t"),
        "action": action,
    }
    if action:
        return _hit(Kind.EVENT, "Content Interaction", props)
    return _hit(Kind.QUIET, "Content Impression", props)


def _search(said: _Parameters) -> RawHit | None:
    words = said.get("search", "")
    if words in _UNSAID:
        return None
    props = {
        "search": words,
        "category": said.get("search_cat"),
        "results": said.get("search_count"),
    }
    return _hit(Kind.EVENT, "Site Search", props)


def _link(said: _Parameters) -> RawHit | None:
    return _address("Outbound Link: Click", said.get("link", ""))


def _download(said: _Parameters) -> RawHit | None:
    return _address("File Download", said.get("download", ""))


def _address(name: str, url: str) -> RawHit | None:
    return None if url in _UNSAID else _hit(Kind.EVENT, name, {"url": url})


def _of_a_plugin(said: _Parameters) -> RawHit | None:
    return _NOTHING if said.get("ca") == "1" else None


# In order of precedence, by a parameter without which it is not meant.
_MEANINGS: dict[str, tuple[Callable[[_Parameters], RawHit | None], ...]] = {
    "ping": (_ping,),
    "idgoal": (_order, _goal),
    "e_c": (_event,),
    "c_n": (_content,),
    "search": (_search,),
    "link": (_link,),
    "download": (_download,),
    "ca": (_of_a_plugin,),
}


def _meant_by(said: _Parameters) -> RawHit:
    if said.keys().isdisjoint(_MEANINGS):
        return _VIEW
    told = (
        means for name, every in _MEANINGS.items() if name in said for means in every
    )
    return next((hit for means in told if (hit := means(said)) is not None), _VIEW)


def _hit(kind: Kind, name: str, props: Mapping[str, str | None] = _NO_PROPS) -> RawHit:
    kept = {key: text for key, text in props.items() if text and text not in _UNSAID}
    return RawHit(site="", url="", kind=kind, name=clean(name, _MAX_NAME), props=kept)


_VIEW = _hit(Kind.VIEW, "pageview")
_NOTHING = _hit(Kind.QUIET, "")


def _custom(said: _Parameters) -> dict[str, str]:
    """Custom dimensions by number, custom variables by name."""
    found = {
        name: text
        for name, text in said.items()
        if name[:9] == "dimension"
        and _DIMENSION.fullmatch(name)
        and text not in _UNSAID
    }
    for name in ("_cvar", "cvar", "e_cvar"):
        if name in said:
            found |= _variables_in(said[name])
    return found


def _variables_in(text: str) -> dict[str, str]:
    """`{"1": ["name", "value"]}` as properties; anything else is ignored."""
    found = {}
    said = _json_in(text)
    for pair in said.values() if isinstance(said, dict) else ():
        if isinstance(pair, list) and len(pair) == 2 and str(pair[0]).strip():
            found[str(pair[0])] = str(pair[1])
    return found


def _number_of_items(text: str) -> str | None:
    """How many rows `ec_items` has; None if it lists none."""
    items = _json_in(text)
    return str(len(items)) if isinstance(items, list) and items else None


def _json_in(text: str) -> Any:
    try:
        return msgspec.json.decode(shallow(text)) if text else None
    except ValueError:
        return None


def _width_of(resolution: str) -> int:
    """The width in `1920x1080`; 0 if there is none."""
    width = resolution.partition("x")[0]
    return int(width) if width.isascii() and width.isdecimal() and len(width) < 6 else 0


def _id_text(text: str) -> str:
    """An order's number as an event's id: printable ASCII, 64 characters at most."""
    shown = "".join(sign if "!" <= sign <= "~" else "_" for sign in text)
    return shown[:64]


def _page_of(url: str) -> str:
    return (_remembered if len(url) <= _SHORT else _read_page)(url)


def _read_page(url: str) -> str:
    """The page's address: as in Matomo, a fragment is no part of it, except for one
    that names a route (`#/…`, `#!…`)."""
    page, _, fragment = url.partition("#")
    return _with_campaign(url if fragment[:1] in ("/", "!") else page)


_remembered = lru_cache(4_096)(_read_page)


def _with_campaign(url: str) -> str:
    """The address with Matomo's campaign parameters written as utm_…, which win."""
    if not _CAMPAIGN.search(url):
        return url
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True, errors="replace")
    except ValueError:
        return url
    own = {name for name, value in pairs if value}
    by_rank = {theirs: rank for rank, theirs in enumerate(_OURS)}
    campaign: dict[str, str] = {}
    for name, value in sorted(pairs, key=lambda pair: by_rank.get(pair[0], 0)):
        if name in _OURS and value:
            campaign.setdefault(_OURS[name], value)
    rest = [(n, v) for n, v in pairs if n not in _OURS]
    added = [(n, v) for n, v in campaign.items() if n not in own]
    return urlunsplit(parts._replace(query=urlencode([*rest, *added])))
