"""Codes of RFC 6238, and recovery codes."""

import base64
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from page_tracker.people import recovery_codes, totp

# Appendix B of RFC 6238; the last six of its eight digits.
SECRET = base64.b32encode(b"12345678901234567890").decode()
VECTORS = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
]


@pytest.mark.parametrize(("moment", "code"), VECTORS)
def test_codes_are_those_of_the_rfc(moment: int, code: str) -> None:
    assert totp.step_of(SECRET, code, moment) == moment // 30


@pytest.mark.parametrize(
    ("later", "is_taken"),
    [(-60, False), (-30, True), (0, True), (30, True), (60, False)],
)
def test_a_clock_may_be_one_step_off(later: int, is_taken: bool) -> None:
    now = 1_800_000_000
    code = totp.code_at(SECRET, now // 30)
    found = totp.step_of(SECRET, code, now + later)
    assert found == (now // 30 if is_taken else None)


@pytest.mark.parametrize(
    "code", ["", "28708", "2870821", "28708x", "٢٨٧٠٨٢", "-87082", "+287082"]
)
def test_what_is_no_code_is_none(code: str) -> None:
    assert totp.step_of(SECRET, code, 59) is None


def test_spaces_in_a_code_make_no_difference() -> None:
    assert totp.step_of(SECRET, " 287 082 ", 59) == 1


def test_secrets_are_long_and_never_the_same() -> None:
    found = {totp.new_secret() for _ in range(50)}
    assert len(found) == 50
    assert {len(base64.b32decode(each)) for each in found} == {20}


@given(st.text(min_size=1, max_size=50), st.sampled_from(["", "stats.example.com"]))
def test_an_app_reads_back_what_the_address_says(name: str, server: str) -> None:
    url = urlsplit(totp.address_of(SECRET, name, server))
    said = parse_qs(url.query)
    assert (url.scheme, url.netloc, said["secret"]) == ("otpauth", "totp", [SECRET])
    assert (said["digits"], said["period"]) == (["6"], ["30"])
    assert url.fragment == ""


def test_each_recovery_code_is_good_for_once() -> None:
    codes = recovery_codes.new_codes()
    hashes = tuple(map(recovery_codes.hash_of, codes))
    assert len(set(codes)) == recovery_codes.CODES
    left = recovery_codes.left_after(hashes, codes[3].upper().replace("-", " "))
    assert left == (*hashes[:3], *hashes[4:])
    assert recovery_codes.left_after(left, codes[3]) is None
    assert not any(code in str(hashes) for code in codes)


@pytest.mark.parametrize("code", ["", "-", "0000-0000-0000-0000", "\udcff"])
def test_what_is_no_recovery_code_is_none(code: str) -> None:
    hashes = tuple(map(recovery_codes.hash_of, recovery_codes.new_codes()))
    assert recovery_codes.left_after(hashes, code) is None
