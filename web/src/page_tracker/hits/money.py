"""Amounts of money, as people and shops write them. Pure.

Only what has a single meaning is read: `19.99`, `19,99`, `1,299.00`, `1.299,00`,
`1 299,00`, `1'299.00`, `€19.99`, `19.99 EUR`. A lone point is a decimal point, as in
JSON; `1,299` is ambiguous, and not read.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import reduce
from typing import Any

MAX_THOUSANDTHS = 10**15
_MAX_CHARACTERS = 40  # characters of an amount

# Symbols, and the codes (ISO 4217) of the currencies that they stand for.
_DOLLARS = (
    "USD AUD BBD BMD BND BSD BZD CAD FJD GYD HKD JMD KYD LRD NAD NZD SBD SGD SRD TTD"
    " TWD XCD ARS BRL CLP COP CUP DOP MXN UYU"
)
_CURRENCIES = {
    "$": _DOLLARS,
    "US$": "USD",
    "R$": "BRL",
    "€": "EUR",
    "£": "GBP EGP FKP GIP LBP SDG SHP SSP SYP",
    "¥": "JPY CNY",
    "kr": "DKK ISK NOK SEK",
    "zł": "PLN",
    "Kč": "CZK",
    "₩": "KRW",
    "₪": "ILS",
    "₫": "VND",
    "₱": "PHP",
    "₴": "UAH",
    "₹": "INR",
    "₺": "TRY",
    "₽": "RUB",
    "฿": "THB",
}
_CODE = re.compile("[A-Za-z]{3}")
_UNIT = r"[^\W\d_]{1,3}|[^\W\d_]{0,2}[^\w\s.,'+-]"
_AMOUNT = re.compile(
    rf"(?P<sign>[+-]?) ?(?P<before>{_UNIT})? ?(?P<inner>-?) ?"
    rf"(?P<number>[\d.,](?:[\d.,' ]*[\d.,])?(?:e[+-]?\d{{1,6}})?) ?(?P<after>{_UNIT})?"
)
_PLAIN = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?")
_GROUPED = re.compile(
    r"(?P<whole>(?!0)\d{1,3}(?P<mark>[.,' ])\d{3}(?P<more>(?:(?P=mark)\d{3})*))"
    r"(?:(?!(?P=mark))[.,](?P<decimals>\d+))?"
)
_COMMA = re.compile(r"\d*,\d+")
# Other characters with the same meaning.
_SAME = str.maketrans({"−": "-", "’": "'", "٫": ".", "٬": ","})


def money_of(amount: Any, currency: Any) -> tuple[int, str] | None:
    """Thousandths of a unit, and the currency's code (ISO 4217).

    None unless it clearly has both: not with no currency or two, no number, an
    ambiguous one, or more than MAX_THOUSANDTHS.
    """
    if isinstance(amount, bool) or not isinstance(amount, int | float | str):
        return None
    if not isinstance(amount, str) and not abs(amount) <= MAX_THOUSANDTHS:
        return None
    text = " ".join(str(amount).translate(_SAME).split())  # all kinds of spaces
    found = _AMOUNT.fullmatch(text) if len(text) <= _MAX_CHARACTERS else None
    if found is None or (found["sign"] and found["inner"]):
        return None
    said = currency.strip() if isinstance(currency, str) else ""
    code = _code_of(said, found["before"], found["after"])
    number = _decimal_of(found["number"])
    # Compared before it is computed with: 1e999999 has a million digits.
    if code is None or number is None or number > MAX_THOUSANDTHS // 1000:
        return None
    thousandths = round(number * 1000)
    return -thousandths if "-" in (found["sign"], found["inner"]) else thousandths, code


def _code_of(*units: str | None) -> str | None:
    """The one currency that all of these can mean; empty ones do not matter."""
    meant = [
        (
            {unit.upper()}
            if _CODE.fullmatch(unit)
            else set(_CURRENCIES.get(unit, "").split())
        )
        for unit in units
        if unit
    ]
    codes = reduce(set.intersection, meant) if meant else set()
    return codes.pop() if len(codes) == 1 else None


def _decimal_of(number: str) -> Decimal | None:
    """A number without its sign; None if it is ambiguous, or not a number."""
    if _PLAIN.fullmatch(number):
        return Decimal(number)
    if found := _GROUPED.fullmatch(number):
        decimals = found["decimals"] or ""
        if found["mark"] == "," and not found["more"] and not decimals:
            return None
        whole = re.sub(r"\D", "", found["whole"])
        return Decimal(f"{whole}.{decimals or 0}")
    return Decimal(number.replace(",", ".")) if _COMMA.fullmatch(number) else None
