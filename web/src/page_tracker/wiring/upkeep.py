"""What looks after lake and store: upkeep and the recount.

Apart from the lake itself, since who only asks needs none of it.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from page_tracker.history.expired_imports import note_expiry
from page_tracker.lake.damage import mend, unreadable_set_aside
from page_tracker.lake.table import Lake
from page_tracker.processes import append_only_file
from page_tracker.processes.embedded import STORE_NAME
from page_tracker.processes.run_command import run_command
from page_tracker.settings import Settings
from page_tracker.sites.site import Site
from page_tracker.store.pass_record import UpkeepRecord
from page_tracker.store.salts import throw_away_spent
from page_tracker.upkeep.due_work import Due
from page_tracker.upkeep.lake_upkeep import Upkeep
from page_tracker.upkeep.recount import Recount
from page_tracker.wiring.register import open_register
from page_tracker.wiring.sent_logs import open_sent_logs
from page_tracker.wiring.store import (
    open_live,
    open_redis,
    open_registry,
    open_streams,
)
from page_tracker.writer.service import PASS, TICK, keep


def start_upkeep(
    settings: Settings, lake: Lake, stop: threading.Event, first: float
) -> None:
    """Begin upkeep and recount in threads; the first pass begins in `first` seconds."""
    tidy = open_light_upkeep(settings, lake, logging.error)
    for work in (
        ("upkeep of the lake", tidy, PASS, stop, first),
        ("the recount", open_light_recount(settings, lake), TICK, stop),
    ):
        threading.Thread(target=keep, args=work, daemon=True).start()


def open_upkeep(
    settings: Settings, lake: Lake, say: Callable[[str], None]
) -> Callable[[], None]:
    """One pass of upkeep over lake and store, as a call; `say` reports damage.

    It raises DeltaError, OSError or LakeError if the lake cannot be reached, RedisError
    if Redis cannot, LogNotRewrittenError if Redis's file still has what was deleted.
    """
    recount, upkeep = open_recount(settings, lake), Upkeep(lake)
    register = open_register(settings)

    def see_to(now: float, sites: Sequence[Site]) -> None:
        for line in mend(lake):
            say(line)
        with unreadable_set_aside(lake):
            recount.catch_up()
            note_expiry(register, sites, now)
            upkeep.tidy(now, sites)

    return _pass(settings, see_to)


def open_light_upkeep(
    settings: Settings, lake: Lake, say: Callable[[str], None]
) -> Callable[[], None]:
    """The same for a long-lived process: work that needs an engine is done by a job.

    It raises ProcessError too, if the job fails.
    """
    due, upkeep = Due(lake), Upkeep(lake)
    mended = _open_mending(lake)

    def see_to(now: float, sites: Sequence[Site]) -> None:
        for line in mended():
            say(line)
        if due.look(now, sites):
            _run_upkeep(settings)
            due.done()
        else:
            upkeep.trim()

    return _recorded(UpkeepRecord(open_redis(settings)), _pass(settings, see_to))


def _recorded(record: UpkeepRecord, tidy: Callable[[], None]) -> Callable[[], None]:
    """A pass that leaves in the store whether it succeeded, for monitoring."""

    def tidy_and_note() -> None:
        with record.noting():
            tidy()

    return tidy_and_note


def _run_upkeep(settings: Settings) -> None:
    run_command(settings, "upkeep")


def _open_mending(lake: Lake) -> Callable[[], Iterator[str]]:
    """What takes damage out of the lake, as a call that yields a line for each item.

    In a bucket it remembers what it has seen: one look says nothing there.
    """
    if lake.copies is None:
        return partial(mend, lake)
    # pylint: disable-next=import-outside-toplevel # only such a lake loads its client
    from page_tracker.lake.lost_files import LostFiles

    return LostFiles(lake, lake.copies.bucket).take_out


def _pass(
    settings: Settings, see_to: Callable[[float, Sequence[Site]], None]
) -> Callable[[], None]:
    """A pass that deletes what has expired in the store, and tidies logs and lake."""
    redis = open_redis(settings)
    registry = open_registry(settings, redis)
    sent_logs = open_sent_logs(settings)

    def tidy() -> None:
        now = time.time()
        try:
            throw_away_spent(redis, int(now))
            append_only_file.forget_aside(settings.data / STORE_NAME, now)
        finally:
            sites = registry.sites.read().entries
            sent_logs.tidy(now, sites)
            see_to(now, list(sites.values()))

    return tidy


def open_light_recount(settings: Settings, lake: Lake) -> Callable[[], None]:
    """What lets live counters catch up, as a call; it raises as upkeep does."""
    recount = open_recount(settings, lake)
    return lambda: recount.look(partial(_run_upkeep, settings))


def open_recount(settings: Settings, lake: Lake) -> Recount:
    """Open the recount of what the store's live counters are missing."""
    redis = open_redis(settings)
    return Recount(
        lake,
        open_register(settings),
        open_live(settings, redis),
        open_streams(settings),
        open_registry(settings, redis),
    )
