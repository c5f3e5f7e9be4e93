"""Text as it is stored: without harmful characters, and bounded."""

from __future__ import annotations

import re

# Control characters, and lone surrogates, which are not characters.
_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


def clean(text: str, limit: int) -> str:
    """The text without harmful characters, cut to `limit` characters."""
    if not text.isprintable():
        text = _HARMFUL.sub("", text)
    return text[:limit]
