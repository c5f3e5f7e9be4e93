"""A session: one browser in which a person has signed in. Pure.

The browser has 256 random bits in a cookie, the store their hash.
"""

from __future__ import annotations

import hashlib
import hmac

import msgspec

from page_tracker.people.account import Account

DAY = 24 * 60 * 60
# Seconds that a session lives: since it was used last, and at most.
IDLE = 14 * DAY
LONGEST = 90 * DAY
# How often its last use is written down.
NOTED = 10 * 60


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One session as it is kept; `client` is the browser's and the system's name."""

    account: str
    # The account's when it began.
    stamp: str
    client: str = ""
    # Whether a proxy's word began it; then it lasts as long as that.
    by_proxy: bool = False
    # UTC, seconds.
    created: int = 0
    seen: int = 0


def is_valid(session: Session, account: Account | None, now: float) -> bool:
    """Whether it still lets this account in."""
    return (
        account is not None
        and session.account == account.id
        and hmac.compare_digest(session.stamp, account.stamp)
        and now < min(session.created + LONGEST, session.seen + IDLE)
    )


def form_token(secret: str) -> str:
    """What a session's forms carry, so that no other site's form is taken for one.

    It tells nothing of the secret that it is made from.
    """
    return hashlib.sha256(b"form:" + secret.encode()).hexdigest()
