"""Opens what `page-tracker doctor` checks; the checks are in `diagnosis.py`."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from urllib.parse import quote

from redis import Redis

from page_tracker.diagnosis import Finding, Patient
from page_tracker.errors import DataFolderError, NoDataFolderError, PageTrackerError
from page_tracker.lake.damage import DAMAGED, damages
from page_tracker.plural import counted
from page_tracker.processes.embedded import STORE_NAME
from page_tracker.processes.folder import holder
from page_tracker.settings import Settings
from page_tracker.store.pass_record import FillRecord
from page_tracker.store.stream import Stream
from page_tracker.wiring.collecting import open_spool
from page_tracker.wiring.lake import open_lake
from page_tracker.wiring.store import (
    open_live,
    open_redis,
    open_registry,
    open_streams,
    store_of_folder,
)

# Seconds; the server's own tables still have what was deleted meanwhile.
LONGEST_FILL = 900.0


@contextmanager
def patient_of_folder(settings: Settings) -> Iterator[Patient]:
    """Open everything that `page-tracker doctor` checks, even if Redis is down.

    Raises NoDataFolderError if there is no data folder.
    """
    trouble: PageTrackerError | None = None
    with ExitStack() as stack:
        try:
            found = stack.enter_context(store_of_folder(settings))
        except NoDataFolderError:
            raise
        except PageTrackerError as error:
            found, trouble = _with_its_own_redis(settings), error
        redis = stack.enter_context(open_redis(found))
        registry = open_registry(found, redis)
        if trouble is None and registry.is_emptied():
            registry.mend()
        urls = [_served_at(settings), settings.url or ""]
        lake = open_lake(settings)
        yield Patient(
            data=settings.data,
            lake=lake.folder,
            cache=settings.cache if lake.copies else None,
            damaged=f"{lake.uri}/{DAMAGED}",
            damages=partial(damages, lake),
            redis=redis,
            registry=registry,
            live=open_live(found, redis),
            streams=open_streams(found),
            most_in_stream=found.most_in_stream,
            spool=open_spool(settings).state,
            urls=list(dict.fromkeys(each for each in urls if each)),
            reports=partial(_reports, settings, redis, open_streams(found)),
            trouble=trouble,
        )


def _reports(
    settings: Settings, redis: Redis, streams: Sequence[Stream]
) -> Iterator[Finding]:
    """Whether the server answers that the settings name for questions."""
    if settings.reports is None:
        return
    # pylint: disable-next=import-outside-toplevel # Delta takes a second to load
    from page_tracker.wiring.lake_asking import open_lake_asking

    try:
        open_lake_asking(settings).require_read()
    except PageTrackerError as error:
        yield Finding("reports", error.problem, error.remedy)
    else:
        yield Finding("reports", f"{settings.reports.name} reads the lake")
    yield from _filled(FillRecord(redis), streams)


def _filled(record: FillRecord, streams: Sequence[Stream]) -> Iterator[Finding]:
    """Whether the server's own tables are kept filled, where they are."""
    done = record.read()
    if not (done.succeeded or done.failures):
        return
    silence = time.time() - done.succeeded
    behind = counted(sum(each.drained() for each in streams) - record.rows(), "row")
    message = f"filled {silence:.0f} s ago, {behind} behind the lake"
    if not done.succeeded:
        message = "not filled yet"
    if done.trouble:
        message += f": {done.trouble}"
    is_late = silence > LONGEST_FILL
    remedy = "run page-tracker fill-reports --until-stopped, or drop them"
    yield Finding("own tables", message, remedy if is_late else "")


def _with_its_own_redis(settings: Settings) -> Settings:
    """The settings with the Redis that they imply, which does not answer."""
    own = f"unix://{quote(str(settings.data / STORE_NAME / 'redis.sock'))}"
    return replace(settings, redis_url=settings.redis_url or own)


def _served_at(settings: Settings) -> str:
    """The address of the data folder's last server; empty if that is unknown."""
    try:
        who = holder(settings.data)
    except DataFolderError:
        return ""
    return who.web_url if who else ""
