"""What `page-tracker doctor` looks at: all of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from page_tracker.doctor import Patient
from page_tracker.lake.damage import damages
from page_tracker.server.folder import holder
from page_tracker.services.keeping import open_lake, open_streams
from page_tracker.services.store import (
    open_live,
    open_redis,
    open_registry,
    store_of_folder,
)
from page_tracker.settings import Settings


@contextmanager
def patient_of_folder(settings: Settings) -> Iterator[Patient]:
    """Open everything that `page-tracker doctor` looks at."""
    with store_of_folder(settings) as found, open_redis(found) as redis:
        registry = open_registry(found, redis)
        registry.synchronise()
        lake, who = open_lake(settings), holder(settings.data)
        urls = [who.web_url if who else "", settings.url or ""]
        yield Patient(
            data=settings.data,
            lake=lake.folder,
            damages=partial(damages, lake),
            redis=redis,
            registry=registry,
            live=open_live(found, redis),
            streams=open_streams(found),
            urls=list(dict.fromkeys(each for each in urls if each)),
        )
