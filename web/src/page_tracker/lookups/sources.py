"""Where a visit comes from: the source's name, its channel and the campaign's tags.

Names and kinds are in `sources.toml`, to which an owner may add.

The channels are those of Google Analytics 4's default channel group, found by its
published rules, with two more: `AI Assistants` and, if only tags show that there was a
campaign, `Campaign`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl

import msgspec
import tomli

from page_tracker.hits.clicks import CLICKS, SHARED
from page_tracker.hits.facts import TouchOf
from page_tracker.hits.hit import Touch
from page_tracker.hits.referrer import parsed_referrer
from page_tracker.schema import LIMITS

_CACHED = 8192
_TAGS = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
# Endings that `{}` stands for have at most two labels of at most three letters.
_ENDING = re.compile(r"[a-z]{2,3}(\.[a-z]{2,3})?")


class Source(NamedTuple):
    """A source's name, and its kind: a heading of data/sources.toml, or ''."""

    name: str
    kind: str


class Referral(NamedTuple):
    """What a referrer alone reveals; `host` is without `www.`, '' for none."""

    host: str
    touch: Touch
    known: Source


_NOWHERE = Referral("", Touch(), Source("", ""))

_ORGANIC = {
    "shopping": "Organic Shopping",
    "social": "Organic Social",
    "video": "Organic Video",
    "search": "Organic Search",
    "ai": "AI Assistants",
    "email": "Email",
}
KINDS = {*_ORGANIC, "referral"}
_PAID_KINDS = {
    "shopping": "Paid Shopping",
    "search": "Paid Search",
    "social": "Paid Social",
    "video": "Paid Video",
}
_PAID = re.compile(rf".*cp.*|ppc|retargeting|paid.*|\(({'|'.join(CLICKS)})\)")
# Ampersands that were escaped for HTML, or replaced by a second `?`.
_SEPARATORS = re.compile(r"&amp;|\?(?=utm_)", re.IGNORECASE)
_SHOP = re.compile(r"(.*[^a-df-z])?shop.*|.*shopping.*")
_EMAIL = {"email", "e-mail", "e_mail", "e mail", "newsletter"}
_DISPLAYS = {"display", "banner", "expandable", "interstitial"}
_CHANNEL_OF_MEDIUM = {
    **dict.fromkeys(
        ("social", "social-network", "social-media", "sm", "social network"),
        "Organic Social",
    ),
    "social media": "Organic Social",
    "organic": "Organic Search",
    **dict.fromkeys(_EMAIL, "Email"),
    **dict.fromkeys(("affiliate", "affiliates"), "Affiliates"),
    "audio": "Audio",
    "sms": "SMS",
    **dict.fromkeys(("referral", "app", "link"), "Referral"),
}
# For these the source decides too.
_MEDIA_AS_SOURCES = {*_EMAIL, "sms"}


def read_sources(text: str) -> dict[str, Source]:
    """Parse `sources.toml`: each address or word, and what it stands for.

    Raises ValueError.
    """
    tables = msgspec.convert(tomli.loads(text), dict[str, dict[str, list[str]]])
    if unknown := tables.keys() - KINDS:
        raise ValueError(f"[{min(unknown)}] is none of {', '.join(sorted(KINDS))}")
    return {
        address.lower(): Source(name, kind)
        for kind, names in tables.items()
        for name, addresses in names.items()
        for address in addresses
    }


def touch_finder(sources: Mapping[str, Source]) -> TouchOf:
    """Make the function that finds where a visit comes from.

    Its arguments are the referrer, the page's query string, and the hosts, without
    `www.`, whose pages are not referrers. The source is named by `utm_source`, else
    `source`, else `ref`, else the referrer, else the mark of a click in the query.
    Every field is within its limit in the schema.
    """
    by_name = {known.name: known for known in reversed([*sources.values()])}

    @lru_cache(_CACHED)
    def referral_of(referrer: str) -> Referral:
        parts, host = parsed_referrer(referrer)
        if parts is None:
            return _NOWHERE
        known = _known_host(host, parts.path, sources) or Source(host, "")
        touch = Touch(
            referrer=(host + parts.path.rstrip("/"))[: LIMITS["referrer"]],
            source=known.name[: LIMITS["source"]],
            channel=_ORGANIC.get(known.kind, "Referral"),
        )
        return Referral(host, touch, known)

    @lru_cache(_CACHED)
    def tagged(referral: Referral, query: str) -> Touch:
        said = _tags_of(query)
        source = said.get("utm_source") or said.get("source") or said.get("ref")
        known = _known_word(source, sources) if source else referral.known
        tags = {name: said.get(name, "")[: LIMITS[name]] for name in _TAGS}
        clicked, click = _clicked(known.name, tags["utm_medium"], said)
        if not known.name and clicked:
            known = by_name.get(clicked, Source(clicked, ""))
        tags["utm_medium"] = tags["utm_medium"] or click
        if not (source or clicked or any(tags.values())):
            return referral.touch
        return Touch(
            referrer=referral.touch.referrer,
            source=known.name[: LIMITS["source"]],
            channel=_channel_of(known, tags, bool(source)),
            **tags,
        )

    def touch_of(referrer: str, query: str, own_hosts: tuple[str, ...]) -> Touch:
        referral = referral_of(referrer) if referrer else _NOWHERE
        if referral.host in own_hosts:
            referral = _NOWHERE
        return tagged(referral, query) if query else referral.touch

    return touch_of


def _tags_of(query: str) -> dict[str, str]:
    """The tags in a page's address, by names in lower case; of two the first."""
    said: dict[str, str] = {}
    for key, value in parse_qsl(_SEPARATORS.sub("&", query)):
        said.setdefault(key.lower(), value.strip())
    return said


def _clicked(source: str, medium: str, said: Mapping[str, str]) -> tuple[str, str]:
    """Whose link was clicked, by its mark in the address; and the medium, `(gclid)`.

    Both are empty without a mark, and if another source, or a medium that is not
    paid for, is given.
    """
    if medium and not _PAID.fullmatch(medium.lower()):
        return "", ""
    for mark, networks in CLICKS.items():
        if mark in said and (not source or source in networks):
            return networks[0], f"({mark})"
    for mark, network in SHARED.items():
        if mark in said and not source:
            return network, ""
    return "", ""


def _channel_of(known: Source, tags: Mapping[str, str], named: bool) -> str:
    """Find the channel by the first rule that matches, in GA4's order."""
    medium = tags["utm_medium"].lower()
    campaign = tags["utm_campaign"].lower()
    kind = "shopping" if _SHOP.fullmatch(campaign) else known.kind
    if "cross-network" in campaign:
        return "Cross-network"
    if _PAID.fullmatch(medium):
        unknown = "Display" if medium == "cpm" else "Paid Other"
        return _PAID_KINDS.get(kind, unknown)
    if medium in _DISPLAYS:
        return "Display"
    if kind in _ORGANIC:
        return _ORGANIC[kind]
    unknown = "Campaign" if named or not known.name else "Referral"
    return _channel_of_medium(medium, tags["utm_source"].lower()) or unknown


def _channel_of_medium(medium: str, source: str) -> str | None:
    if "video" in medium:
        return "Organic Video"
    if source in _MEDIA_AS_SOURCES and medium not in _CHANNEL_OF_MEDIUM:
        medium = source
    if medium in _CHANNEL_OF_MEDIUM:
        return _CHANNEL_OF_MEDIUM[medium]
    if medium.endswith("push") or "mobile" in medium or "notification" in medium:
        return "Mobile Push Notifications"
    return None


def _known_word(text: str, sources: Mapping[str, Source]) -> Source:
    """A campaign's source, as a word (`fb`) or as a host (`facebook.com`)."""
    word = text.lower().removeprefix("www.")
    known = None
    if "." in word:
        known = _known_host(word, "", sources)
    elif not word.isdecimal():
        known = sources.get(word)
    return known or Source(text, "")


def _known_host(host: str, path: str, sources: Mapping[str, Source]) -> Source | None:
    """What a host, or one above it, stands for: the most specific entry's."""
    for entry in _entries(host, path):
        if entry in sources:
            return sources[entry]
    return None


def _entries(host: str, path: str) -> Iterator[str]:
    """The entries of the table that could mean this page, the most specific first."""
    spellings = [host, *_of_any_country(host)]
    folder = path.strip("/").partition("/")[0]
    if folder:
        yield from (f"{each}/{folder}" for each in spellings)
    yield from (f"={each}" for each in spellings)
    while spellings:
        yield from spellings
        rests = (each.partition(".")[2] for each in spellings)
        spellings = [rest for rest in rests if rest not in ("", "{}")]
    yield f"{host.partition('.')[0]}.*"


def _of_any_country(host: str) -> Iterator[str]:
    """A host in the table's form for all countries: `google.{}`."""
    name = host
    for _ in range(2):
        name = name.rpartition(".")[0]
        if name and _ENDING.fullmatch(host, len(name) + 1):
            yield f"{name}.{{}}"
