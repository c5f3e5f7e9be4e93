"""What is exposed to Prometheus, opened for a web process."""

from pathlib import Path

from page_tracker.monitoring.exposition import Exposition
from page_tracker.settings import Settings, cache_of, is_in_bucket
from page_tracker.wiring.collecting import open_spool
from page_tracker.wiring.store import open_redis, open_streams


def open_exposition(settings: Settings) -> Exposition:
    """Open what each scrape reads; connects with the first one."""
    return Exposition(
        redis=open_redis(settings),
        streams=open_streams(settings),
        most_rows=settings.most_in_stream,
        folders=_folders(settings),
        spool=open_spool(settings).state,
    )


def _folders(settings: Settings) -> dict[str, Path]:
    """The folders whose file systems may run full."""
    if is_in_bucket(settings):
        return {"data": settings.data, "cache": cache_of(settings)}
    return {
        "data": settings.data,
        "lake": Path(settings.lake or settings.data / "lake"),
    }
