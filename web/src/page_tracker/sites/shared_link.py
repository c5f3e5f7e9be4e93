"""Links that show one site's page to whoever has them, and nothing else. Pure.

A link is kept as it is, so that it can be handed on again: it opens no more than who
can read the data folder has already.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from difflib import get_close_matches

import msgspec

from page_tracker.errors import SiteError, UnknownSharedLinkError

SECRET_BYTES = 18
LONGEST_SECRET = 100  # characters
MAX_LINKS = 100  # of a site
MAX_NAME = 120

Links = tuple["SharedLink", ...]


class SharedLink(msgspec.Struct, frozen=True, kw_only=True):
    """One link: what it is called, its secret, and when it was made (UTC, seconds)."""

    name: str
    secret: str
    created: int


def new_link(name: str, now: int) -> SharedLink:
    """A link with a new secret of 144 bits. Raises SiteError."""
    name = " ".join(name.split())
    if not (0 < len(name) <= MAX_NAME and name.isprintable()):
        remedy = f"write whom it is for, in 1 to {MAX_NAME} characters"
        raise SiteError("name", f"{name[:MAX_NAME]!r} is no name of a link", remedy)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    return SharedLink(name=name, secret=secret, created=now)


def with_link(links: Links, link: SharedLink) -> Links:
    """The links with this one, if none has its name yet. Raises SiteError."""
    if link_named(links, link.name):
        return links
    if len(links) >= MAX_LINKS:
        remedy = "revoke those that nobody needs any more"
        raise SiteError("name", f"a site has at most {MAX_LINKS} links", remedy)
    return (*links, link)


def without_link(links: Links, name: str) -> Links:
    """The links without the one of this name. Raises UnknownSharedLinkError."""
    if link_named(links, name) is None:
        names = [link.name for link in links]
        near = get_close_matches(name, names, n=1) or names[:9]
        raise UnknownSharedLinkError(
            f"there is no shared link {name[:MAX_NAME]!r}",
            f"write {', '.join(near)}" if near else "there is none to revoke",
        )
    return tuple(link for link in links if link.name != name)


def link_named(links: Links, name: str) -> SharedLink | None:
    """The link of this name."""
    return next((link for link in links if link.name == name), None)


def opens(links: Links, shown: Iterable[str]) -> bool:
    """Whether one of the secrets that are shown is a link's."""
    return any(
        hmac.compare_digest(link.secret.encode(), secret.encode())
        for secret in shown
        for link in links
    )


def path_of(site: str, link: SharedLink) -> str:
    """The path of a link on the server."""
    return f"/share/{site}?auth={link.secret}"
