"""What creates the demonstration, and removes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from page_tracker.lake.folder_format import require_folder
from page_tracker.processes.folder import make_folder
from page_tracker.settings import Settings
from page_tracker.sites.demonstration import DOMAIN
from page_tracker.store.sites import Sites
from page_tracker.upkeep.demonstration_site import Demonstration
from page_tracker.wiring.deleting import open_site_deletion
from page_tracker.wiring.history import PATIENT_SECONDS, Unwatched, open_imports
from page_tracker.wiring.store import open_redis, open_registry, store_of_folder


@contextmanager
def demonstration_of_folder(settings: Settings) -> Iterator[Demonstration]:
    """Open it, and create the data folder if there is none.

    Raises as `store_of_folder`.
    """
    make_folder(settings.data)
    require_folder(settings.data)
    with store_of_folder(settings) as found:
        with open_redis(replace(found, redis_timeout=PATIENT_SECONDS)) as redis:
            registry = open_registry(found, redis)
            registry.synchronise()
            yield Demonstration(
                Sites(registry),
                open_imports(found, redis, Unwatched()),
                found.data / "lookups",
                partial(open_site_deletion, found, registry, DOMAIN),
            )
