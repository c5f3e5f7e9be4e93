"""What is noted of imports and of logs that are followed, in small files of JSON."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from page_tracker.errors import DamagedRecordError

T = TypeVar("T")


def record_in(content: bytes, kind: type[T], name: str) -> T:
    """The record in a file of that name. Raises DamagedRecordError."""
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise DamagedRecordError(
            f"{name} is damaged ({error})",
            "put back a backup's, or move it away: what it notes is forgotten then, so"
            " that its log can be counted twice, and not be undone",
        ) from error
