"""All countries: ISO 3166-1 codes and their English names (CLDR)."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

# Columns `code` and `name`; beside ISO 3166-1 what it reserves, and Kosovo (XK).
COUNTRIES = Path(__file__).with_name("countries.csv")

# Codes that people write instead of the official ones.
_MEANT = {"UK": "GB", "EL": "GR"}


@cache
def names() -> Mapping[str, str]:
    """Each country's name by its code of two letters."""
    with COUNTRIES.open(encoding="utf-8", newline="") as file:
        return {row["code"]: row["name"] for row in csv.DictReader(file)}


def table() -> tuple[str, dict[str, list[str]]]:
    """The statement that makes the table `countries` (code, name), and its values."""
    return (
        "CREATE TABLE countries AS"
        " SELECT unnest($codes) AS code, unnest($names) AS name",
        {"codes": list(names()), "names": list(names().values())},
    )


def meant(text: str) -> str:
    """The code of the country that a text seems to mean; '' if that is unclear."""
    code = _MEANT.get(text.upper(), text.upper())
    if code in names():
        return code
    return {name.lower(): code for code, name in names().items()}.get(text.lower(), "")
