"""A request's id: one name for it in a proxy's log, in ours and on a failure's page."""

from __future__ import annotations

import os
import re
from contextvars import ContextVar

HEADER = "X-Request-Id"
CURRENT: ContextVar[str] = ContextVar("request_id", default="")

# nginx makes 32 hexadecimal digits, Caddy a UUID; no address can be written like this.
_WELL_FORMED = re.compile(r"[0-9A-Za-z-]{8,64}")


def chosen(sent: str, is_trusted: bool) -> str:
    """The id that a proxy has sent, if it is trusted and sent one; else a new one."""
    if is_trusted and _WELL_FORMED.fullmatch(sent):
        return sent
    return os.urandom(8).hex()
