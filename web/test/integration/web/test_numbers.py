"""Numbers that no sane program sends, as bytes of a connection: each has an answer."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from support.drawing import examples
from support.pace import PACE

SECONDS = 30.0 * PACE
FIELDS = ("$", "revenue", "w", "sd", "e", "i", "h", "id", "n", "u", "d", "p", "t")

digits = st.text("0123456789", min_size=1, max_size=30)
# As JSON writes them (RFC 8259, 6), and as text; of any size that fits a line.
numbers = st.one_of(
    digits.map(lambda text: text.lstrip("0") or "0"),
    st.from_regex(r"-?[1-9][0-9]{0,20}(\.[0-9]{1,9})?e[+-]?[0-9]{1,9}", fullmatch=True),
    st.sampled_from(("1" * 4301, "1e400", "-0", "NaN", "-Infinity", "1e-999999")),
)
texts = st.one_of(numbers, st.sampled_from(("1e999999", "sNaN", "1_0", "\u0661", "")))


def answer(url: str, *parts: bytes) -> int:
    """The status that is answered to a request that is sent in these parts."""
    at = urlsplit(url)
    with socket.create_connection((at.hostname, at.port), timeout=SECONDS) as client:
        for part in parts:
            client.sendall(part)
        said = client.makefile("rb").readline().split()
    assert said, "the connection was closed without a word"
    return int(said[1])


def event(body: str) -> tuple[bytes, bytes]:
    sent = body.encode()
    head = (
        "POST /api/event HTTP/1.1\r\nHost: x\r\nUser-Agent: Mozilla/5.0\r\n"
        f"Content-Length: {len(sent)}\r\n\r\n"
    )
    return head.encode(), sent


def with_field(name: str, value: str) -> str:
    said: dict[str, Any] = {"n": "Buy", "u": "https://numbers.example/", name: "VALUE"}
    return json.dumps(said).replace('"VALUE"', value)


@pytest.mark.parametrize("amount", ("1e999999", "-1e999999", "1e-999999", "sNaN"))
def test_an_amount_of_a_million_digits_is_answered(flask_url: str, amount: str) -> None:
    body = with_field("$", json.dumps({"currency": "EUR", "amount": amount}))
    head, sent = event(body)
    assert answer(flask_url, head + sent) == 202  # whole, on the short way
    assert answer(flask_url, head, sent) == 202  # by uvicorn's parser


@hypothesis_settings(max_examples=examples(30, long=120))
@given(name=st.sampled_from(FIELDS), number=numbers, text=texts, quoted=st.booleans())
def test_any_number_in_any_field_is_answered(
    flask_url: str, name: str, number: str, text: str, quoted: bool
) -> None:
    value = json.dumps(text) if quoted else number
    if name in ("$", "revenue"):
        value = f'{{"currency": "EUR", "amount": {value}}}'
    assert answer(flask_url, b"".join(event(with_field(name, value)))) in (202, 400)


def test_a_number_in_an_address_is_answered(flask_url: str) -> None:
    path = "/api/sites/numbers.example/segments/" + "9" * 4301
    head = f"DELETE {path} HTTP/1.1\r\nHost: x\r\n\r\n"
    assert answer(flask_url, head.encode()) in (401, 404)
