"""The upkeep of a machine's copies of a bucket's files: a web process's thread."""

import threading
from functools import partial

from page_tracker.files import exclusive_lock
from page_tracker.lake.copies import Copies
from page_tracker.lake.copies_upkeep import fetch_ahead, tidy_copies
from page_tracker.lake.table import Lake
from page_tracker.settings import Settings
from page_tracker.wiring.bucket import open_copies
from page_tracker.writer.service import PASS, keep


def start_copies_upkeep(settings: Settings) -> None:
    """Tidy the copies every minute; of the machine's processes one does so.

    Raises SettingsError where the settings do not reach the bucket.
    """
    copies = open_copies(settings)
    work = partial(_tidy, Lake(copies.bucket.uri, copies), copies, settings.cache_ahead)
    arguments = ("the cache of the lake", work, PASS, threading.Event())
    threading.Thread(target=keep, args=arguments, daemon=True).start()


def _tidy(lake: Lake, copies: Copies, ahead: str) -> None:
    copies.folder.mkdir(parents=True, exist_ok=True)
    try:
        with exclusive_lock(copies.folder / "lock", patience=0):
            tidy_copies(lake)
            if ahead == "yes":
                fetch_ahead(lake, copies)
    except BlockingIOError:  # another process is at it
        pass
