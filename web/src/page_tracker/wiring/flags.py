"""What decides flags: the file `flags.json` in the data folder."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from page_tracker.flags.file import NAME, FlagFile
from page_tracker.settings import Settings

if TYPE_CHECKING:
    from page_tracker.flags.provider import Flags


def open_flags(settings: Settings) -> Flags:
    """The flags of a data folder, whose file need not be there."""
    return _flags(settings.data / NAME)


@cache
def _flags(path: Path) -> Flags:
    # pylint: disable-next=import-outside-toplevel # OpenFeature takes 0.2 s and 5 MB
    from page_tracker.flags.provider import Flags as Opened

    return Opened(FlagFile(path))
