"""One-time links: whoever has one may do one thing, once, until it expires. Pure."""

from __future__ import annotations

import hashlib
import secrets
from enum import StrEnum

import msgspec

from page_tracker.people.roles import Role

SECRET_BYTES = 32
LONGEST = 100  # characters
LONGEST_GUEST = 100
DAY = 24 * 60 * 60


class Purpose(StrEnum):
    """What a link is for."""

    FIRST = "first"  # create the first account, an owner of all sites
    INVITATION = "invitation"  # create an account, or add to one's own, with a role
    PASSWORD = "password"  # choose a new password  # nosec B105
    CODE = "code"  # enter the second factor, after the password


# Seconds.
LIFETIMES = {
    Purpose.FIRST: DAY,
    Purpose.INVITATION: 7 * DAY,
    Purpose.PASSWORD: DAY,
    Purpose.CODE: 5 * 60,
}


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One link as it is stored, apart from its secret's hash."""

    purpose: Purpose
    # Whose password or second factor it is.
    account: str = ""
    # The role that an invitation gives, for which sites (None: all), and who gave it.
    role: Role | None = None
    sites: tuple[str, ...] | None = ()
    giver: str = ""
    # Whom the giver has in mind, for the list of open ones.
    guest: str = ""


def new_secret() -> str:
    """256 random bits, in a form for addresses."""
    return secrets.token_urlsafe(SECRET_BYTES)


def hash_of(secret: str) -> str:
    """What is stored of a secret: 256 random bits need nothing slower."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
