"""A site's settings: how each is written, in one table.

The command line, the HTTP interface and the documentation follow `SETTINGS`.
Pure. Every parser accepts text, or the same in JSON, and raises InvalidValueError;
the lists accept text separated by commas too.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any
from urllib.parse import unquote

import msgspec

from page_tracker.errors import InvalidValueError, SiteError
from page_tracker.schema import LIMITS
from page_tracker.sites.domain import parse_domain, text_of
from page_tracker.sites.letting_in import bare_bot, let_in_of
from page_tracker.sites.places import (
    countries,
    nearest_country,
    nearest_timezone,
    timezones,
)
from page_tracker.sites.site import Site, with_timezone

# RFC 3986, 3.1; and whatever has an address with such a scheme is part of another page.
_SCHEME = re.compile("[a-z][a-z0-9+.-]{0,39}")
# Other trackers' names for a site: a number, a UUID, a code.
_ALIAS = re.compile("[a-z0-9][a-z0-9_.-]{0,99}")
NO_PAGES = ("about", "blob", "data", "javascript", "vbscript")

MAX_LIST = 500
MAX_SHOWN = 100  # characters of what is shown as an example
MAX_GROUP = 60  # characters of a group's name
MAX_RETENTION = 36_500
MAX_PAGES = 1_000_000
TRUTHS = {"true": True, "yes": True, "on": True, "1": True} | {
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


class InvalidEntryError(InvalidValueError):
    """An entry of a list is invalid; the problem names the entry."""


class SiteSetting(msgspec.Struct, frozen=True):
    """How one setting is written; `many` if it is a list."""

    metavar: str
    help: str
    parse: Callable[[Any], Any]
    many: bool = False


def _timezone(value: Any) -> str:
    text = text_of(value)
    zones = timezones()
    if text in zones:
        return text
    raise InvalidValueError("is not a time zone", f"write {nearest_timezone(text)}")


def _country(value: Any) -> str:
    text = text_of(value)
    code = text.upper()
    if code in countries():
        return code
    code = nearest_country(text)
    instead = f"{code} ({countries()[code]})" if code else "its two letters, like DE"
    raise InvalidValueError("is not a country", f"write {instead}")


def _address(value: Any) -> str:
    """An address, or a network in CIDR form, in canonical form."""
    text = text_of(value)
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise InvalidValueError(
            "is not an address",
            "write one like 192.0.2.7, or a network like 192.0.2.0/24",
        ) from error
    if "/" not in text:
        return str(network.network_address)
    if str(ipaddress.ip_interface(text).ip) != str(network.network_address):
        raise InvalidValueError(
            "is an address within a network",
            f"write {network} for all of it, or {text.partition('/')[0]}",
        )
    if network.num_addresses == 1:
        return str(network.network_address)
    return str(network)


def _bot(value: Any) -> str:
    return _at_most(LIMITS["name"], bare_bot(text_of(value)))


def _group(value: Any) -> str:
    # As a page shows it: two names that look the same are the same.
    return _at_most(MAX_GROUP, " ".join(text_of(value).split()))


def _page(value: Any) -> str:
    text = unquote(text_of(value))  # as pages are stored
    if not text.startswith("/"):
        raise InvalidValueError(
            "is not a path", f"write one like /{text.lstrip('/')[:MAX_SHOWN]}"
        )
    return _at_most(LIMITS["path"], text)


def _at_most(most: int, text: str) -> str:
    if len(text) > most:
        raise InvalidValueError("is too long", f"write at most {most} characters")
    return text


def _alias(value: Any) -> str:
    alias = text_of(value).lower()
    if not _ALIAS.fullmatch(alias):
        raise InvalidValueError(
            "is not the name of a site elsewhere",
            "write its number, UUID or code there: letters, digits, . _ and -",
        )
    return alias


def _scheme(value: Any) -> str:
    scheme = text_of(value).lower().partition(":")[0]
    if not _SCHEME.fullmatch(scheme) or scheme in NO_PAGES:
        raise InvalidValueError("is not a scheme of pages", "write one like capacitor")
    return scheme


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    try:
        return TRUTHS[text_of(value).lower()]
    except KeyError as error:
        raise InvalidValueError(
            "is neither true nor false", "write true or false"
        ) from error


def _retention(value: Any) -> int | None:
    if value is None or value in ("all", "none", ""):
        return None
    return _number(1, MAX_RETENTION, " days, or all")(value)


def _number(least: int, most: int, unit: str = "") -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        digits = value.strip() if isinstance(value, str) else ""
        # No number here has as many digits as Python refuses to parse.
        if digits.isascii() and digits.isdecimal() and len(digits) < 20:
            value = int(digits)
        if isinstance(value, int) and not isinstance(value, bool):
            if least <= value <= most:
                return value
        raise InvalidValueError("is out of range", f"write {least} to {most}{unit}")

    return parse


def _list_of(parse: Callable[[Any], str]) -> Callable[[Any], tuple[str, ...]]:
    """Parse each; texts are split at commas, repeats and empty ones dropped."""

    def parse_all(value: Any) -> tuple[str, ...]:
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list | tuple):
            raise InvalidValueError("is not a list", "write strings in square brackets")
        found: dict[str, None] = {}
        for each in values:
            for part in each.split(",") if isinstance(each, str) else [each]:
                if part != "" and not (isinstance(part, str) and part.isspace()):
                    found[_parsed(parse, part)] = None
        if len(found) > MAX_LIST:
            raise InvalidValueError(
                f"has {len(found)} entries", f"write at most {MAX_LIST}"
            )
        return tuple(found)

    return parse_all


def _parsed(parse: Callable[[Any], str], part: Any) -> str:
    try:
        return parse(part)
    except InvalidValueError as error:
        raise InvalidEntryError(
            f"has {part!r}, which {error.problem}", error.remedy
        ) from error


SETTINGS: Mapping[str, SiteSetting] = {
    "timezone": SiteSetting(
        "ZONE",
        "Where its days begin at midnight, like Europe/Berlin.",
        _timezone,
    ),
    "hostnames": SiteSetting(
        "HOST,…",
        "Further hosts whose hits belong to this site.",
        _list_of(parse_domain),
        many=True,
    ),
    "aliases": SiteSetting(
        "NAME,…",
        "What pages made for another tracker name it by: a number, a UUID, a code.",
        _list_of(_alias),
        many=True,
    ),
    "allowed_hostnames": SiteSetting(
        "HOST,…",
        "Count only pages on these hosts, where it has any.",
        _list_of(parse_domain),
        many=True,
    ),
    "page_schemes": SiteSetting(
        "SCHEME,…",
        "Count pages of these schemes too, like capacitor, not http and https alone.",
        _list_of(_scheme),
        many=True,
    ),
    "own_addresses": SiteSetting(
        "ADDRESS,…",
        "Your own addresses or networks, which are not counted.",
        _list_of(_address),
        many=True,
    ),
    "blocked_addresses": SiteSetting(
        "ADDRESS,…",
        "Unwanted addresses or networks, which are not counted.",
        _list_of(_address),
        many=True,
    ),
    "blocked_countries": SiteSetting(
        "COUNTRY,…",
        "Countries that are not counted, by their two letters.",
        _list_of(_country),
        many=True,
    ),
    "blocked_pages": SiteSetting(
        "PATH,…",
        "Pages that are not counted; * stands for anything.",
        _list_of(_page),
        many=True,
    ),
    "counted_bots": SiteSetting(
        "BOT,…",
        "Count these bots, by the names that a site's page gives them.",
        _list_of(_bot),
        many=True,
    ),
    "counted_referrers": SiteSetting(
        "HOST,…",
        "Count visits from these hosts, though lists call them referrer spam.",
        _list_of(parse_domain),
        many=True,
    ),
    "respect_dnt": SiteSetting(
        "true|false",
        "Do not count browsers that ask not to be tracked (Do Not Track).",
        _truth,
    ),
    "user_ids": SiteSetting(
        "true|false",
        "Take visitors whom pages name by the same user id for one, for a day.",
        _truth,
    ),
    "public_counter": SiteSetting(
        "true|false",
        "Let anybody see the counts of its pages as badges.",
        _truth,
    ),
    "retention_days": SiteSetting(
        "DAYS|all",
        "Forget hits that are older than this; imports leave them out.",
        _retention,
    ),
    "max_pages": SiteSetting(
        "NUMBER",
        "Pages that the live counters tell apart; the rest is (other).",
        _number(1, MAX_PAGES),
    ),
    "group": SiteSetting(
        "NAME",
        "What it stands under in the list of all sites, with others of that name.",
        _group,
    ),
}

# The fields of a site that are not settings.
BESIDE = ("next_timezone", "next_timezone_from", "created", "demonstration")


def new_site(domain: Any, settings: Mapping[str, Any], now: int) -> Site:
    """A site as it is first created; `now` is UTC, seconds. Raises SiteError."""
    values = _read(settings)
    site = Site(id=_read_one("domain", parse_domain, domain), created=now)
    return _tidy(msgspec.structs.replace(site, **values))


def changed_site(site: Site, settings: Mapping[str, Any], now: int) -> Site:
    """The site with settings changed; `now` is UTC, seconds. Raises SiteError."""
    values = _read(settings)
    zone = values.pop("timezone", None)
    if zone is not None:
        site = with_timezone(site, zone, now)
    return _tidy(msgspec.structs.replace(site, **values))


def settings_of(site: Site) -> dict[str, Any]:
    """The site in JSON: domain, settings, and a pending time zone."""
    shown = {name: getattr(site, name) for name in (*SETTINGS, *BESIDE)}
    let_in = [msgspec.to_builtins(each) for each in let_in_of(site)]
    return {"domain": site.id, **shown, "let_in": let_in}


def _tidy(site: Site) -> Site:
    """The site without a further host that is its domain anyway."""
    hosts = tuple(host for host in site.hostnames if host != site.id)
    return msgspec.structs.replace(site, hostnames=hosts)


def _read(settings: Mapping[str, Any]) -> dict[str, Any]:
    values = {}
    for name, value in settings.items():
        if name not in SETTINGS:
            near = get_close_matches(name, SETTINGS, n=1)
            raise SiteError(
                name,
                "is no setting of a site",
                f"write {near[0] if near else 'one of ' + ', '.join(SETTINGS)}",
            )
        values[name] = _read_one(name, SETTINGS[name].parse, value)
    return values


def _read_one(name: str, parse: Callable[[Any], Any], value: Any) -> Any:
    try:
        return parse(value)
    except InvalidEntryError as error:
        raise SiteError(name, error.problem, error.remedy) from error
    except InvalidValueError as error:
        raise SiteError(name, f"{value!r} {error.problem}", error.remedy) from error
