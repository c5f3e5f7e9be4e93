"""What keeps hits for good: the lake and its writers."""

from page_tracker.lake.followed import FollowedTables
from page_tracker.lake.table import Lake
from page_tracker.settings import Settings, is_in_bucket, lake_of
from page_tracker.store.writers import Writers
from page_tracker.wiring.store import open_redis, open_streams
from page_tracker.writer.share import Share
from page_tracker.writer.writer import Writer

# How long a store of buckets may take until what it has acknowledged is on disk.
KEEP_STORED = 300  # seconds


def open_lake(settings: Settings) -> Lake:
    """The lake, in a folder or a bucket. Raises SettingsError."""
    if not is_in_bucket(settings):
        return Lake(lake_of(settings))
    # pylint: disable-next=import-outside-toplevel # only such a lake loads its client
    from page_tracker.wiring.bucket import open_copies

    copies = open_copies(settings)
    return Lake(copies.bucket.uri, copies)


def require_lake(settings: Settings) -> None:
    """Try a bucket before anything is written there. Raises BucketError in words."""
    if is_in_bucket(settings):
        # pylint: disable-next=import-outside-toplevel # as above
        from page_tracker.wiring.bucket import require_bucket

        require_bucket(settings)


def open_writers(settings: Settings, lake: Lake) -> list[Writer]:
    """The writers of all shards, which write in turn."""
    keep = settings.keep_stored
    if keep is None:
        keep = KEEP_STORED if is_in_bucket(settings) else 0
    tables, streams = FollowedTables(lake), open_streams(settings)
    return [Writer(each, lake, keep=keep, tables=tables) for each in streams]


def open_share(settings: Settings) -> Share:
    """The share of a writer that is beginning."""
    return Share(Writers(open_redis(settings)), settings.shards)
