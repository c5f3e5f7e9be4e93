"""What answers questions: the lake as it is read, and the live counters."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from functools import partial

import msgspec
from redis import RedisError

from page_tracker.days import date_of
from page_tracker.history.register import Register
from page_tracker.lake.kept_sums import KeptSums
from page_tracker.lake.table import Lake
from page_tracker.query.ask import Asking
from page_tracker.query.database import Database
from page_tracker.query.engine import Engine
from page_tracker.query.snapshot import Reading
from page_tracker.settings import Settings
from page_tracker.store.counters import Live
from page_tracker.store.sites import Sites
from page_tracker.wiring.lake import open_lake
from page_tracker.wiring.register import open_register
from page_tracker.wiring.store import (
    open_live,
    open_streams,
    registry_of_folder,
)
from page_tracker.writer.writer import refuse_new_lake


def open_asking(settings: Settings) -> Asking:
    """Open the lake for questions; nothing is read before the first one.

    Raises SettingsError.
    """
    lake = open_lake(settings)
    engine = Engine(
        settings.query_memory * 1_000_000,
        settings.query_seconds,
        kept=KeptSums(lake),
        fetch=lake.fetch_named,
    )
    register = open_register(settings)
    refuse_new = partial(_refuse_new, settings, lake)
    reading = Reading(lake, refuse_new)
    imported = partial(_imported_days, register)
    return Asking(reading, engine, _server(settings), imported)


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


def _imported_days(register: Register, site: str) -> list[date]:
    """The days with page views from a site's imports."""
    return [
        date_of(day.day)
        for each in register.present(site)
        for day in each.days
        if day.views and each.state == "done"
    ]


class Asker(msgspec.Struct, frozen=True):
    """What a command asks with: the sites, the lake and the live counters."""

    sites: Sites
    asking: Asking
    live: Live


@contextmanager
def asker_of_folder(settings: Settings) -> Iterator[Asker]:
    """Open what `page-tracker query` needs. Raises as `store_of_folder`."""
    with registry_of_folder(settings) as registry:
        live = open_live(settings, registry.redis)
        yield Asker(Sites(registry), open_asking(settings), live)
