"""Where a person goes after signing in: only within this server. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

HOME = "/sites"
LONGEST = 2_000  # characters


def safe_target(wanted: str) -> str:
    """The path and query that were requested if they are just that; else HOME.

    Browsers read a backslash as a slash, and drop tabs and line ends: with them a path
    could name another server.

    >>> safe_target("/example.org?period=28d"), safe_target("//evil.example")
    ('/example.org?period=28d', '/sites')
    """
    if not wanted.startswith("/") or len(wanted) > LONGEST:
        return HOME
    if any(sign == "\\" or not sign.isprintable() or sign.isspace() for sign in wanted):
        return HOME
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return HOME
    if parts.scheme or parts.netloc or wanted.startswith("//"):
        return HOME
    return wanted
