"""Runs one of our commands in its own process, which frees its memory."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Sequence

from page_tracker.errors import ProcessError
from page_tracker.processes.die_with_parent import tied
from page_tracker.settings import Settings, child_environment
from page_tracker.tally import TALLY

_COUNTED = ("demo", "sent-log")
JOBS = TALLY.counter(
    "page_tracker_jobs",
    "Commands that web processes and `serve` have run in processes of their own, by"
    " outcome.",
    command=(*_COUNTED, "other"),
    outcome=("succeeded", "failed"),
)
# Any thread may count a job.
_counting = threading.Lock()

# One at a time: each may take as much memory as upkeep is promised.
_alone = threading.Lock()

logger = logging.getLogger(__name__)


def run_command(settings: Settings, *words: str) -> str:
    """Run `page-tracker WORDS` on the data folder, store and lake of the settings.

    It ends with this process. Returns what it printed. Raises ProcessError if it
    fails.
    """
    with _alone:
        return _run(settings, words)


def start_command(settings: Settings, *words: str) -> None:
    """The same in the background; a failure is logged."""

    def run() -> None:
        try:
            _run(settings, words)
        except ProcessError as error:
            logger.error("%s", error)

    threading.Thread(target=run, daemon=True).start()


def _run(settings: Settings, words: Sequence[str]) -> str:
    environment = child_environment(
        REDIS_URL=settings.redis_url or "",
        PAGE_TRACKER_DATA=str(settings.data),
        PAGE_TRACKER_LAKE=settings.lake or "",
    )
    done = subprocess.run(
        tied([sys.executable, "-m", "page_tracker", *words]),
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,
        check=False,
    )
    _count(words[0], "failed" if done.returncode else "succeeded")
    if done.returncode:
        raise ProcessError(
            f"page-tracker {' '.join(words)} ended with status {done.returncode}",
            reason_of(done.stderr) or "see whether the machine has memory left",
        )
    return done.stdout.decode(errors="replace")


def _count(command: str, outcome: str) -> None:
    with _counting:
        JOBS.add(command if command in _COUNTED else "other", outcome)


def reason_of(errors: bytes) -> str:
    """The last line of what a command said.

    Of a fault of ours, which ends in a traceback, it is the kind alone: the message may
    quote a log's line, and what we return is logged.
    """
    said = errors.decode(errors="replace").strip().rpartition("\n")[2]
    return said if said.startswith("page-tracker: ") else said.partition(":")[0]
