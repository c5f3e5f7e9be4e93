"""Amounts of money as senders write them. Pure."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

THOUSANDTHS_LIMIT = 10**15
_CHARACTERS = 40


def thousandths_of(amount: str) -> int | None:
    """An amount in thousandths of a unit; None for what is none, or out of bounds.

    Its bounds are looked at before anything is computed: 1e999999 has a million digits.

    >>> thousandths_of("12.345"), thousandths_of("1e999999"), thousandths_of("NaN")
    (12345, None, None)
    """
    if len(amount) > _CHARACTERS:
        return None
    try:
        exact = Decimal(amount)
    except InvalidOperation:
        return None
    # Comparing rounds nothing and overflows nowhere, as computing does.
    if not exact.is_finite() or not -THOUSANDTHS_LIMIT <= exact <= THOUSANDTHS_LIMIT:
        return None
    thousandths = round(exact * 1000)
    return thousandths if abs(thousandths) <= THOUSANDTHS_LIMIT else None
