"""Where a visit comes from: the source's name, its channel and the campaign's tags.

The channels are those of Google Analytics 4's default channel group, found by its
published rules, with `AI Assistants` and, where only tags say that there was a
campaign, `Campaign` beside them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from page_tracker.collect.hit import Touch
from page_tracker.schema import LIMITS

_CACHED = 8192
_TAGS = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
_SCHEMES = {"http", "https", "android-app", "ios-app"}
# Endings that `{}` stands for have at most two labels of at most three letters.
_ENDING = re.compile(r"[a-z]{2,3}(\.[a-z]{2,3})?")


class Known(NamedTuple):
    """A source's name, and its kind: a heading of data/sources.toml, or ''."""

    name: str
    kind: str


class Referral(NamedTuple):
    """What a referrer says by itself; `host` is without `www.`, '' for none."""

    host: str
    touch: Touch
    known: Known


_NOWHERE = Referral("", Touch(), Known("", ""))

_ORGANIC = {
    "shopping": "Organic Shopping",
    "social": "Organic Social",
    "video": "Organic Video",
    "search": "Organic Search",
    "ai": "AI Assistants",
    "email": "Email",
}
_PAID_KINDS = {
    "shopping": "Paid Shopping",
    "search": "Paid Search",
    "social": "Paid Social",
    "video": "Paid Video",
}
_PAID = re.compile(r".*cp.*|ppc|retargeting|paid.*|\((gclid|msclkid)\)")
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
# These are told by the source too.
_MEDIA_AS_SOURCES = {*_EMAIL, "sms"}


def touch_of(referrer: str, query: str, own_hosts: tuple[str, ...]) -> Touch:
    """Say where a visit comes from; every field is within its bound in the schema.

    `query` is the page's query string, `own_hosts` are the hosts, without `www.`, whose
    pages are no referrers. The source is named by `utm_source`, else `source`, else
    `ref`, else by the referrer.
    """
    referral = _referral_of(referrer) if referrer else _NOWHERE
    if referral.host in own_hosts:
        referral = _NOWHERE
    return _tagged(referral, query) if query else referral.touch


def host_of(referrer: str) -> str:
    """The host of a referrer, without `www.`; '' where it has none."""
    return _referral_of(referrer).host


@lru_cache(_CACHED)
def _referral_of(referrer: str) -> Referral:
    address = referrer.strip()
    if "://" not in address:
        address = f"https://{address}"
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return _NOWHERE
    if host.count(".") > 1:
        host = host.removeprefix("www.")
    if parts.scheme not in _SCHEMES or "." not in host or _is_local(host):
        return _NOWHERE
    known = _known_host(host) or Known(host, "")
    touch = Touch(
        referrer=(host + parts.path.rstrip("/"))[: LIMITS["referrer"]],
        source=known.name[: LIMITS["source"]],
        channel=_ORGANIC.get(known.kind, "Referral"),
    )
    return Referral(host, touch, known)


@lru_cache(_CACHED)
def _tagged(referral: Referral, query: str) -> Touch:
    """Add what the page's own address says of a campaign."""
    said: dict[str, str] = {}
    for key, value in parse_qsl(query):
        said.setdefault(key, value.strip())
    source = said.get("utm_source") or said.get("source") or said.get("ref")
    known = _known_word(source) if source else referral.known
    tags = {name: said.get(name, "")[: LIMITS[name]] for name in _TAGS}
    if not tags["utm_medium"]:
        tags["utm_medium"] = _medium_of_click(known, said)
    if not (source or any(tags.values())):
        return referral.touch
    return Touch(
        referrer=referral.touch.referrer,
        source=known.name[: LIMITS["source"]],
        channel=_channel_of(known, tags, bool(source)),
        **tags,
    )


def _medium_of_click(known: Known, said: Mapping[str, str]) -> str:
    if known.name == "Google" and "gclid" in said:
        return "(gclid)"
    return "(msclkid)" if known.name == "Bing" and "msclkid" in said else ""


def _channel_of(known: Known, tags: Mapping[str, str], named: bool) -> str:
    """Find the channel by the first rule that fits, in GA4's order."""
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


def _is_local(host: str) -> bool:
    return host.endswith(".localhost") or host.startswith(("127.", "0."))


def _known_word(text: str) -> Known:
    """A campaign's source, as a word (`fb`) or as a host (`facebook.com`)."""
    word = text.lower().removeprefix("www.")
    return _WORDS.get(word) or ("." in word and _known_host(word)) or Known(text, "")


def _known_host(host: str) -> Known | None:
    rest = host
    while rest:
        if rest in _HOSTS:
            return _HOSTS[rest]
        label, _, rest = rest.partition(".")
        if label in _HOSTS_OF_ANY_COUNTRY and _ENDING.fullmatch(rest):
            return _HOSTS_OF_ANY_COUNTRY[label]
    return None


def _packaged() -> Iterator[tuple[str, Known]]:
    text = (files("page_tracker") / "data" / "sources.toml").read_text("utf-8")
    for kind, names in tomllib.loads(text).items():
        for name, addresses in names.items():
            for address in addresses:
                yield address, Known(name, kind)


_TABLE = dict(_packaged())
_WORDS = {key: known for key, known in _TABLE.items() if "." not in key}
_HOSTS_OF_ANY_COUNTRY = {
    key.removesuffix(".{}"): known
    for key, known in _TABLE.items()
    if key.endswith(".{}")
}
_HOSTS = {
    key: known
    for key, known in _TABLE.items()
    if "." in key and not key.endswith(".{}")
}
