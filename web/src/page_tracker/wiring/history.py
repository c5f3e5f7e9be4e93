"""What brings in history: imports, and logs that are followed."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
from redis import Redis, RedisError

from page_tracker.collect.drops import site_day_at
from page_tracker.days import utc_day
from page_tracker.errors import UnknownSiteError
from page_tracker.history.follow import Store
from page_tracker.history.imported_rows import ImportedRows
from page_tracker.history.imports import Imports, Watcher
from page_tracker.history.lines import Log
from page_tracker.history.register import Import
from page_tracker.settings import Settings
from page_tracker.sites.site import Site
from page_tracker.store.counters import Live
from page_tracker.store.ingest import StoreAwayError, submit
from page_tracker.store.salts import Salts
from page_tracker.store.sites import Sites
from page_tracker.wiring.collecting import bounds_of
from page_tracker.wiring.lake import open_lake
from page_tracker.wiring.register import open_register
from page_tracker.wiring.store import (
    open_live,
    open_redis,
    open_registry,
    store_of_folder,
)

# An import sends large batches, and nobody waits for an answer.
PATIENT_SECONDS = 5.0


class Historian(msgspec.Struct, frozen=True):
    """What imports work with: sites, imports, and the folder of newer lookups."""

    sites: Sites
    imports: Imports
    lookups: Path
    # The collector's end of the store, for one site.
    store: Callable[[str], Store]


@contextmanager
def historian_of_folder(settings: Settings, watcher: Watcher) -> Iterator[Historian]:
    """Open what `page-tracker import` needs. Raises as `store_of_folder`."""
    with store_of_folder(settings) as found:
        with open_redis(replace(found, redis_timeout=PATIENT_SECONDS)) as redis:
            registry = open_registry(found, redis)
            registry.synchronise()
            sites = Sites(registry)
            imports = open_imports(found, redis, watcher)
            store = partial(_open_store, found, redis, sites)
            yield Historian(sites, imports, found.data / "lookups", store)


class Unwatched:
    """The watcher for imports that nobody waits for."""

    def reads(self, log: Log) -> None:
        pass

    def writes(self, done: int, days: int) -> None:
        pass

    def finishes(self, entry: Import) -> None:
        pass


def open_imports(settings: Settings, redis: Redis, watcher: Watcher) -> Imports:
    """Open the imports of a data folder."""
    live = open_live(settings, redis)
    stored = ImportedRows(open_lake(settings), partial(_counted, live))
    return Imports(open_register(settings), stored, live, watcher)


def _open_store(settings: Settings, redis: Redis, sites: Sites, domain: str) -> Store:
    salts = Salts()

    def salt_of(site: Site, day: int, moment: int) -> bytes:
        try:
            site_day = site_day_at(site, day, moment)
            return salts.get(redis, site_day, moment // 1_000_000)
        except RedisError as error:
            raise StoreAwayError(error) from error

    return Store(
        submit=partial(submit, redis),
        salt_of=salt_of,
        site=partial(_present, sites, domain),
        division=lambda: sites.division,
        bounds=bounds_of(settings),
    )


def _present(sites: Sites, domain: str) -> Site:
    site = sites.directory().by_id.get(domain)
    if site is None:
        raise UnknownSiteError(
            f"the site {domain} was removed", "add it again to follow its log"
        )
    return site


def _counted(live: Live, site: str, days: Sequence[int]) -> set[int]:
    """The days with hits that may still be on their way to the lake."""
    yesterday = utc_day(time.time()) - 2
    return {day for day in days if day >= yesterday and live.today(site, day).events}
