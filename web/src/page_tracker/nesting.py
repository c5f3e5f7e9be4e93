"""How deep the JSON is nested that somebody sent. Pure.

Parsers go as deep as the stack has room for. Whoever then writes what they read, be it
in words about what is wrong with it, stands a few calls further down and has no room
left (RecursionError). So it is bounded before it is read.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TypeVar

_Text = TypeVar("_Text", str, bytes)

DEEPEST = 100

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_STEPS = {**dict.fromkeys(b"[{", 1), **dict.fromkeys(b"]}", -1)}
_NO_BRACKETS = bytes(set(range(256)).difference(_STEPS))


def shallow(text: _Text) -> _Text:
    """The JSON itself. Raises ValueError if it is nested more than DEEPEST deep."""
    sent = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if sent.count(b"[") + sent.count(b"{") > DEEPEST and _depth_of(sent) > DEEPEST:
        raise ValueError(f"it is nested more than {DEEPEST} deep")
    return text


def _depth_of(sent: bytes) -> int:
    brackets = _STRING.sub(b"", sent).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)
