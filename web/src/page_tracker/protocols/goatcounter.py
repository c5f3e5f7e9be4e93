"""`GET|POST /count`: GoatCounter's format, which the pixel without JavaScript uses too.

Everything is in the query string, for POST as well (navigator.sendBeacon). The site is
the `site` parameter's, else the referring page's, else the only one there is. See
https://www.goatcounter.com/help/pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote, urlsplit

from page_tracker.hits.hit import Drop, Kind, RawHit, Reason, Sender
from page_tracker.hits.text import clean
from page_tracker.protocols.query_string import fields_in
from page_tracker.protocols.request import (
    Answer,
    NothingToCountError,
    Protocol,
    Request,
    answer_of,
    header_text,
    reasons_of,
)

MAX_WIDTH = 100_000
_MAX_FIELDS = 100

# One transparent pixel.
GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x01\x00\x00\x00\x00\xff\xff\xff"
    b"!\xf9\x04\x01\n\x00\x01\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02L\x01\x00;"
)

_TRUE = ("true", "1", "on", "t", "yes")
_IGNORED = {Reason.OWN_ADDRESS, Reason.BLOCKED_ADDRESS}


def decode(request: Request, _sender: Sender) -> list[RawHit]:
    """Read the one hit of a request.

    Raises NothingToCountError with 400, and the reason in `X-Goatcounter`, if it
    is invalid.
    """
    said = _fields_of(request.query)
    site, page = said.get("site", "").strip(), request.header(b"referer")
    try:
        return [_hit_of(said, site, page)]
    except ValueError as error:
        refused = RawHit(site=site, url=page, refused=str(error))
        raise _invalid(str(error), (refused,)) from error


def accept(drops: Sequence[Drop]) -> Answer:
    """200 with the pixel; 202 for ignored addresses, 400 if no site is meant."""
    if not drops:
        return _OK
    if drops[0].reason == Reason.UNKNOWN_SITE:
        return refuse(400, _why_unknown(drops[0].site), ())
    return _dropped(drops[0].reason, reasons_of(drops))


def refuse(status: int, why: str, headers: tuple[tuple[bytes, bytes], ...]) -> Answer:
    """Refuse with the pixel, so that no page shows a broken image."""
    limits = rate_limits(headers) if status == 429 else ()
    told = (_reason(why), *_HEADERS, *headers, *limits)
    return answer_of(status, b"image/gif", GIF, told)


def rate_limits(
    headers: tuple[tuple[bytes, bytes], ...],
) -> tuple[tuple[bytes, bytes], ...]:
    """What GoatCounter's clients go by where ours go by `Retry-After`."""
    seconds = dict(headers).get(b"retry-after", b"1")
    return ((b"x-rate-limit-remaining", b"0"), (b"x-rate-limit-reset", seconds))


def _hit_of(said: dict[str, str], site: str, page: str) -> RawHit:
    """The hit of a request. Raises ValueError if it is invalid.

    Long values are cut where they are stored: they are no reason to lose a view.
    """
    path, bot = said.get("p", ""), _is_bot(said.get("b", ""))
    if not clean(path, len(path)).strip():
        raise ValueError("path: must be set")
    is_event = said.get("e", "").lower() in _TRUE
    return RawHit(
        site=site,
        kind=Kind.EVENT if is_event else Kind.VIEW,
        name=path.strip() if is_event else "pageview",
        url=page if is_event else url_of(page, path, said.get("q", "")),
        referrer=said.get("r", ""),
        title=said.get("t", ""),
        width=width_of(said.get("s", "")),
        bot=bot,
    )


def _fields_of(query: str) -> dict[str, str]:
    """The query's fields; if a name is repeated, the first."""
    try:
        pairs = fields_in(query, _MAX_FIELDS)
    except ValueError as error:
        raise _invalid(f"at most {_MAX_FIELDS} parameters are read") from error
    return {name: value for name, value in reversed(pairs) if value}


def url_of(page: str, path: str, query: str) -> str:
    """The page's address: its host as the browser sent it, its path as the hit's."""
    try:
        parts = urlsplit(page)
        origin = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
    except ValueError:
        origin = ""
    path, _, fragment = path.strip().partition("#")
    path, _, in_path = path.partition("?")
    tags = "&".join(part for part in (query.lstrip("?"), in_path) if part)
    return "".join(
        (
            origin,
            "/",
            quote(path.lstrip("/"), safe="/%:@!$&'()*+,;=~"),
            f"?{quote(tags, safe='/%:@!$&()*+,;=~?')}" if tags else "",
            f"#{fragment}" if fragment else "",
        )
    )


def width_of(size: str) -> int:
    """The width in `width`, or `width,height,scale`; 0 if there is none."""
    width = size.partition(",")[0].partition(".")[0].strip()
    if not (width.isascii() and width.isdecimal() and len(width) <= 6):
        return 0
    return min(int(width), MAX_WIDTH)


def _is_bot(value: str) -> bool:
    """Whether the sender declares itself a bot: 150 or more in its own list.

    Raises ValueError for a number below that.
    """
    if value in ("", "0"):
        return False
    number = value if value.isascii() and value.isdecimal() and len(value) < 10 else "1"
    if int(number) < 150:
        raise ValueError(f"wrong value: b={value}")
    return True


def _reason(why: str) -> tuple[bytes, bytes]:
    return b"x-goatcounter", header_text(why)


_HEADERS = (
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"cache-control", b"no-store"),
)
_OK = answer_of(200, b"image/gif", GIF, _HEADERS)


def _invalid(why: str, refused: Sequence[RawHit] = ()) -> NothingToCountError:
    return NothingToCountError(refuse(400, f"not valid: {why}", ()), refused)


def _why_unknown(site: str) -> str:
    why = f"there is no site {site}" if site else "no site is named"
    return f"{Reason.UNKNOWN_SITE}: {why}; name one by the parameter site="


@lru_cache(4096)
def _dropped(reason: str, reasons: str) -> Answer:
    status = 202 if reason in _IGNORED else 200
    return refuse(status, f"ignored because of {reasons}", ())


PROTOCOL = Protocol("goatcounter", ("GET", "POST"), decode, accept, refuse)
