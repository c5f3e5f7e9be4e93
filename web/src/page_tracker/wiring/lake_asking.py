"""What answers questions in this process: the lake as it is read, and its engine."""

from contextlib import suppress
from functools import partial

from redis import RedisError

from page_tracker.lake.kept_sums import KeptSums
from page_tracker.lake.table import Lake
from page_tracker.query.database import Database
from page_tracker.query.engine import Engine
from page_tracker.query.lake_asking import LakeAsking
from page_tracker.query.snapshot import Reading
from page_tracker.settings import Settings
from page_tracker.wiring.lake import open_lake
from page_tracker.wiring.register import open_imported_days
from page_tracker.wiring.store import open_streams
from page_tracker.writer.writer import refuse_new_lake


def open_lake_asking(settings: Settings, threads: int = 2) -> LakeAsking:
    """Open the lake for questions; nothing is read before the first one.

    DuckDB has so many threads for all questions together.

    Raises SettingsError.
    """
    lake = open_lake(settings)
    engine = Engine(
        settings.query_memory * 1_000_000,
        settings.query_seconds,
        threads,
        kept=KeptSums(lake),
        fetch=lake.fetch_named,
    )
    refuse_new = partial(_refuse_new, settings, lake)
    reading = Reading(lake, refuse_new)
    imported = open_imported_days(settings)
    return LakeAsking(reading, engine, _server(settings), imported)


def _server(settings: Settings) -> Database | None:
    """Who answers questions in the engine's place, if the settings name anybody."""
    if settings.reports is None:
        return None
    # pylint: disable-next=import-outside-toplevel # only such a server loads its client
    from page_tracker.wiring.clickhouse import open_clickhouse

    return open_clickhouse(settings, settings.reports)


def _refuse_new(settings: Settings, lake: Lake) -> None:
    """Raise LakeLostError if the store's hits have gone to another lake.

    If Redis is unknown, or away, a lake is assumed to be its own.
    """
    if settings.redis_url is None:
        return
    with suppress(RedisError):
        for stream in open_streams(settings):
            refuse_new_lake(lake, stream, lake.snapshot("hits"))
