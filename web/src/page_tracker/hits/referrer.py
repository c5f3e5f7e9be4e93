"""A referrer, and the host that it names. Pure."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

_CACHED = 8192
_SCHEMES = {"http", "https", "android-app", "ios-app"}


def host_of(referrer: str) -> str:
    """The host of a referrer, without `www.`; '' if it has none."""
    return parsed_referrer(referrer)[1]


@lru_cache(_CACHED)
def parsed_referrer(referrer: str) -> tuple[SplitResult | None, str]:
    """A referrer's parts and its host, without `www.`; None and '' if it is invalid."""
    address = referrer.strip()
    if "://" not in address:
        address = f"https://{address}"
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return None, ""
    if host.count(".") > 1:
        host = host.removeprefix("www.")
    is_app = parts.scheme == "ios-app" and host.isdecimal()
    if parts.scheme not in _SCHEMES or not ("." in host or is_app) or _is_local(host):
        return None, ""
    return parts, host


def _is_local(host: str) -> bool:
    return host.endswith(".localhost") or host.startswith(("127.", "0."))
