"""What keeps the lake and runs until it is stopped: the writer, and upkeep apart."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import NamedTuple

from page_tracker.lake.damage import mend
from page_tracker.lake.folder_format import require_folder
from page_tracker.lake.table import Lake
from page_tracker.processes.embedded import redis_of
from page_tracker.processes.folder import make_folder
from page_tracker.processes.log_lines import begin_log
from page_tracker.settings import Settings
from page_tracker.tally import TALLY
from page_tracker.wiring.lake import open_lake, require_lake
from page_tracker.wiring.store import open_redis, require_ready
from page_tracker.writer.service import wait_for


class LakeProcess(NamedTuple):
    """Its settings, with a Redis; the lake; and what is set once it is to stop."""

    settings: Settings
    lake: Lake
    stop: threading.Event


@contextmanager
def lake_process(name: str, settings: Settings) -> Iterator[LakeProcess]:
    """A process that is stopped by a signal; begins once Redis is ready.

    `name` is its name in the log. Raises FormatError, DataFolderError, BucketError,
    ProcessError.
    """
    begin_log(settings, name, f"{name}: %(message)s")
    TALLY.count_apart()
    make_folder(settings.data)
    require_folder(settings.data)
    require_lake(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    with ExitStack() as stack:
        if settings.redis_url is None:
            url = stack.enter_context(redis_of(settings))
            settings = replace(settings, redis_url=url)
        redis, shards = open_redis(settings), settings.shards
        wait_for(lambda: require_ready(redis, shards), stop)
        lake = open_lake(settings)
        for line in mend(lake):
            logging.error(line)
        yield LakeProcess(settings, lake, stop)
