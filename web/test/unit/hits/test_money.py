"""Amounts of money: what is read of them, and what is not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from page_tracker.hits.money import MAX_THOUSANDTHS, money_of


@pytest.mark.parametrize(
    ("amount", "currency", "thousandths", "code"),
    [
        (12.345, "EUR", 12_345, "EUR"),
        (3, "usd", 3_000, "USD"),
        (-5, "EUR", -5_000, "EUR"),
        (1e3, "EUR", 1_000_000, "EUR"),
        ("0.1", "USD", 100, "USD"),
        ("1e2", "USD", 100_000, "USD"),
        ("-1e-999999", "USD", 0, "USD"),
        (".5", "USD", 500, "USD"),
        ("19.99", "EUR ", 19_990, "EUR"),
        (" 19.99\n", " eur", 19_990, "EUR"),
        # A comma, where it can be nothing but a decimal one.
        ("19,99", "EUR", 19_990, "EUR"),
        ("19,9", "EUR", 19_900, "EUR"),
        ("0,125", "EUR", 125, "EUR"),
        ("1299,125", "EUR", 1_299_125, "EUR"),
        # Thousands, where they can be nothing else.
        ("1,299.00", "EUR", 1_299_000, "EUR"),
        ("1.299,00", "EUR", 1_299_000, "EUR"),
        ("1,299,000", "EUR", 1_299_000_000, "EUR"),
        ("1.299.000", "EUR", 1_299_000_000, "EUR"),
        ("1\N{NO-BREAK SPACE}299,50", "EUR", 1_299_500, "EUR"),
        ("1\N{NARROW NO-BREAK SPACE}299", "EUR", 1_299_000, "EUR"),
        ("1'299.50", "CHF", 1_299_500, "CHF"),
        ("1\N{RIGHT SINGLE QUOTATION MARK}299.50", "CHF", 1_299_500, "CHF"),
        # The format's own decimal point.
        ("1.299", "EUR", 1_299, "EUR"),
        # The currency beside it, or there alone.
        ("€19.99", "EUR", 19_990, "EUR"),
        ("19,99 €", "EUR", 19_990, "EUR"),
        ("19,99 €", "", 19_990, "EUR"),
        ("EUR 19.99", None, 19_990, "EUR"),
        ("19.99eur", "€", 19_990, "EUR"),
        ("$19.99", "CAD", 19_990, "CAD"),
        ("US$19.99", "$", 19_990, "USD"),
        ("R$ 1.299,00", "", 1_299_000, "BRL"),
        ("199 kr", "SEK", 199_000, "SEK"),
        ("-€5", "EUR", -5_000, "EUR"),
        ("€ -5", "EUR", -5_000, "EUR"),
        ("\N{MINUS SIGN}5", "EUR", -5_000, "EUR"),
        ("١٩٫٩٩", "EGP", 19_990, "EGP"),
    ],
)
def test_what_can_mean_one_thing_only_is_read(
    amount: Any, currency: Any, thousandths: int, code: str
) -> None:
    assert money_of(amount, currency) == (thousandths, code)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("1,299", "EUR"),  # one and a bit, or more than a thousand
        ("19.99", "12$"),
        ("19.99", "1 2"),
        ("19.99", "Euro"),
        ("19.99", "EURO"),
        ("19.99", ""),
        ("19.99", None),
        ("19.99", 5),
        ("19.99", "$"),
        ("$19.99", ""),
        ("€19.99", "USD"),
        ("EUR 19.99 USD", ""),
        ("$19.99", "EUR"),
        ("1.2.3", "EUR"),
        ("1,2,3", "EUR"),
        ("1 2", "EUR"),
        ("1,299.000,00", "EUR"),
        ("1_000", "EUR"),
        ("--5", "EUR"),
        ("-€-5", "EUR"),
        ("", "EUR"),
        (".", "EUR"),
        (",", "EUR"),
        ("NaN", "EUR"),
        ("Infinity", "EUR"),
        (float("nan"), "EUR"),
        (float("inf"), "EUR"),
        ("1e99", "EUR"),
        ("1e999999", "EUR"),
        (10**13, "EUR"),
        (10**400, "EUR"),
        ("9" * 41, "EUR"),
        (True, "EUR"),
        (None, "EUR"),
        ([], "EUR"),
    ],
)
def test_nothing_else_is_read(amount: Any, currency: Any) -> None:
    assert money_of(amount, currency) is None


@given(
    st.text("0123456789.,' -+eE€$EUR", max_size=14) | st.text(max_size=50),
    st.text("EURUSD€$ ", max_size=5) | st.text(max_size=9),
)
def test_any_text_is_an_amount_or_none(amount: str, currency: str) -> None:
    found = money_of(amount, currency)
    if found is not None:
        assert abs(found[0]) <= MAX_THOUSANDTHS
        assert len(found[1]) == 3 and found[1].isascii() and found[1].isupper()


@given(st.integers(0, 10**11), st.sampled_from([",.", ".,", " ,", " .", "'."]))
def test_an_amount_is_read_as_it_was_written(hundredths: int, marks: str) -> None:
    written = f"{hundredths // 100:,}.{hundredths % 100:02}"
    written = written.translate(str.maketrans(",.", marks))
    assert money_of(written, "EUR") == (hundredths * 10, "EUR")
