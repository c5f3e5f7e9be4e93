"""Time zones and countries, and what people mean by other names.

Both come from the installed IANA database. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

# Codes that people write for countries whose code is another one.
COUNTRY_SLIPS = {"UK": "GB", "EN": "GB", "EL": "GR"}


@cache
def timezones() -> frozenset[str]:
    """The names of all time zones in the installed IANA database."""
    names = (files("tzdata") / "zones").read_text("utf-8").split()
    return frozenset(names) - {"Factory"}


@cache
def countries() -> Mapping[str, str]:
    """Names of countries by ISO 3166-1 code, from the same database."""
    table = (files("tzdata") / "zoneinfo" / "iso3166.tab").read_text("utf-8")
    lines = (line for line in table.splitlines() if not line.startswith("#"))
    return {code: name for code, _, name in (line.partition("\t") for line in lines)}


def nearest_timezone(text: str) -> str:
    """A suggestion for an unknown zone: the nearest valid name."""
    sign = text.upper().removeprefix("UTC").removeprefix("GMT")
    if sign[:1] in ("+", "-"):
        return "the zone of a place, like Europe/Berlin; it knows its summer time"
    wanted = text.replace(" ", "_").casefold()
    names = {name.casefold(): name for name in sorted(timezones())}
    # People name a zone by its city alone.
    names.update({name.rpartition("/")[2]: full for name, full in names.items()})
    names.update({name.casefold(): name for name in timezones()})
    near = get_close_matches(wanted, names, n=1, cutoff=0.7)
    if not near:
        return "a name like Europe/Berlin, America/New_York or UTC"
    return names[near[0]]


def nearest_country(text: str) -> str:
    """The code of the country that an unknown code or name means; else empty."""
    names = {name.casefold(): code for code, name in countries().items()}
    near = get_close_matches(text.casefold(), names, n=1, cutoff=0.75)
    return COUNTRY_SLIPS.get(text.upper()) or (names[near[0]] if near else "")
