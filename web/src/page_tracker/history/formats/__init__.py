"""The formats of access logs that can be read: one row each, found by looking.

A further format is a module with a `Format`, and its row here. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from page_tracker.history.formats.clf import CLF_FORMATS
from page_tracker.history.formats.json_lines import JSON_FORMATS
from page_tracker.history.formats.request import Asked, Format, Request

__all__ = ["FORMATS", "Asked", "Format", "Request", "recognise"]

# Of two that read a line, the first is meant.
FORMATS: dict[str, Format] = {each.name: each for each in (*CLF_FORMATS, *JSON_FORMATS)}


def recognise(lines: Sequence[str]) -> Format | None:
    """The format that reads the most of these lines; None where none reads any."""
    best = max(FORMATS.values(), key=lambda each: _read(each, lines), default=None)
    return best if best and _read(best, lines) else None


def _read(log_format: Format, lines: Sequence[str]) -> int:
    return sum(log_format.read(line) is not None for line in lines)
