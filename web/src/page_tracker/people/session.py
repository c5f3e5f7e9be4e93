"""A session: one browser in which a person has signed in. Pure.

The browser has 256 random bits in a cookie, the store has their hash.
"""

from __future__ import annotations

import hashlib
import hmac

import msgspec

from page_tracker.people.account import Account

DAY = 24 * 60 * 60
# Seconds that a session lasts: since it was last used, and at most.
IDLE = 14 * DAY
LONGEST = 90 * DAY
# How often its last use is recorded.
NOTED = 10 * 60


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One session as it is stored; `client` is the browser's and the system's name."""

    account: str
    # The account's when it began.
    stamp: str
    client: str = ""
    # Whether a proxy vouched for it; then it lasts only as long as the proxy does.
    by_proxy: bool = False
    # UTC, seconds.
    created: int = 0
    seen: int = 0


def is_valid(session: Session, account: Account | None, now: float) -> bool:
    """Whether it is still valid for this account."""
    return (
        account is not None
        and session.account == account.id
        and hmac.compare_digest(session.stamp, account.stamp)
        and now < min(session.created + LONGEST, session.seen + IDLE)
    )


def form_token(secret: str) -> str:
    """What a session's forms carry, so that another site's form is recognised.

    It reveals nothing about the secret that it is made from.
    """
    return hashlib.sha256(b"form:" + secret.encode()).hexdigest()
