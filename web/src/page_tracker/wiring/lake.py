"""What keeps hits for good: the lake and its writers."""

from page_tracker.lake.table import Lake
from page_tracker.settings import Settings
from page_tracker.wiring.store import open_streams
from page_tracker.writer.writer import Writer


def open_lake(settings: Settings) -> Lake:
    return Lake(settings.lake or str(settings.data / "lake"))


def open_writers(settings: Settings, lake: Lake) -> list[Writer]:
    """The writers of all shards."""
    return [Writer(stream, lake) for stream in open_streams(settings)]
