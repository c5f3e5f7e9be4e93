"""The formats of access logs that can be read: one row each.

To add a format, add a module with a `Format`, and its row here. Pure.
"""

from __future__ import annotations

from page_tracker.history.formats.clf import CLF_FORMATS
from page_tracker.history.formats.json_lines import JSON_FORMATS
from page_tracker.history.formats.logged_request import Exchange, Format, Request

__all__ = ["FORMATS", "Exchange", "Format", "Request"]

# If two can read a line, the first is used.
FORMATS: dict[str, Format] = {each.name: each for each in (*CLF_FORMATS, *JSON_FORMATS)}
