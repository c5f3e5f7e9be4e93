"""The host of the page that a request comes from."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request


def referring_host() -> str:
    """The host in the `Referer`; empty if there is none."""
    try:
        return urlsplit(request.headers.get("Referer", "")).hostname or ""
    except ValueError:
        return ""
