"""The place of an address, from a database in MaxMind's format (.mmdb)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import maxminddb

from page_tracker.hits.hit import Place
from page_tracker.schema import LIMITS

_CACHED = 32768
_NOWHERE = Place()


def open_places(path: Path) -> maxminddb.Reader:
    """Map a database: memory holds only the pages that are used.

    Raises ValueError if it is invalid.
    """
    try:
        return maxminddb.open_database(path)
    except maxminddb.InvalidDatabaseError as error:
        raise ValueError(str(error)) from error


def place_finder(places: maxminddb.Reader) -> Callable[[str], Place]:
    """Make the function that finds an address's place.

    Invalid and unknown addresses are nowhere: all fields are empty.
    """

    @lru_cache(_CACHED)
    def place_of(address: str) -> Place:
        try:
            record = places.get(address.removeprefix("::ffff:").partition("%")[0])
        except (ValueError, maxminddb.InvalidDatabaseError):
            # Not an address, IPv6 in data for IPv4, or damaged at that place.
            return _NOWHERE
        return read_record(record) if isinstance(record, dict) else _NOWHERE

    return place_of


def read_record(record: Mapping[str, Any]) -> Place:
    """Read a record, nested as MaxMind's or flat as others' are.

    MaxMind's GeoLite2 City: {"country": {"iso_code": …}, "subdivisions":
    [{"iso_code": …}], "city": {"names": {"en": …}}}.
    Flat: {"country_code": …, "state1": …, "city": …}.
    """
    country, city = record.get("country"), record.get("city")
    if isinstance(country, dict) or isinstance(city, dict):
        code = _code(country) or _code(record.get("registered_country"))
        subdivisions = record.get("subdivisions")
        region = (
            subdivisions[0] if isinstance(subdivisions, list) and subdivisions else {}
        )
        region_code = _code(region)
        region_name = f"{code}-{region_code}" if region_code else _name(region)
        return _place(code, region_name, _name(city))
    area = record.get("state1") or record.get("region") or record.get("region_name")
    return _place(record.get("country_code") or country, area, city)


def _code(part: object) -> str:
    code = part.get("iso_code") if isinstance(part, dict) else None
    return code if isinstance(code, str) else ""


def _name(part: object) -> str:
    names = part.get("names") if isinstance(part, dict) else None
    name = names.get("en") if isinstance(names, dict) else None
    return name if isinstance(name, str) else ""


def _place(country: object, region: object, city: object) -> Place:
    return Place(
        country=_bounded("country", country).upper(),
        region=_bounded("region", region),
        city=_bounded("city", city),
    )


def _bounded(column: str, text: object) -> str:
    return text[: LIMITS[column]] if isinstance(text, str) else ""
