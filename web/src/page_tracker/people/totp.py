"""Codes of a second factor that change with the time (RFC 6238). Pure.

SHA-1, six digits, thirty seconds: what every authenticator app assumes.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import struct
from urllib.parse import quote

STEP_SECONDS = 30
DIGITS = 6
# Steps before and after the current one whose codes are accepted: clocks differ.
DRIFT = 1
SECRET_BYTES = 20


def new_secret() -> str:
    """160 random bits, in base32 for apps."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def is_secret(text: str) -> bool:
    """Whether a text has the form of secrets from `new_secret`."""
    try:
        return text.isascii() and len(base64.b32decode(text)) == SECRET_BYTES
    except binascii.Error:
        return False


def code_at(secret: str, step: int) -> str:
    """The code of a step, which is a time in seconds divided by STEP_SECONDS.

    >>> code_at("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 59 // STEP_SECONDS)
    '287082'
    """
    key = base64.b32decode(secret)
    digest = hmac.digest(key, struct.pack(">Q", step), "sha1")
    at = digest[-1] & 15
    number = struct.unpack(">I", digest[at : at + 4])[0] & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def step_of(secret: str, code: str, now: float) -> int | None:
    """The step with this code, at or next to `now`; None if there is none.

    Spaces between digits make no difference. All steps are compared, in constant time.
    """
    digits = "".join(code.split())
    if not (digits.isascii() and digits.isdecimal() and len(digits) == DIGITS):
        return None
    present = int(now) // STEP_SECONDS
    found = None
    for step in range(max(0, present - DRIFT), present + DRIFT + 1):
        if hmac.compare_digest(code_at(secret, step), digits):
            found = step
    return found


def address_of(secret: str, name: str, server: str) -> str:
    """What an app reads from the QR code: whose codes these are, and the secret."""
    issuer = quote(f"Page Tracker {server}".strip())
    return (
        f"otpauth://totp/{issuer}:{quote(name)}?secret={secret}&issuer={issuer}"
        f"&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}"
    )
