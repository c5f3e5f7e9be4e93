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
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ProcessError(
            f"page-tracker {' '.join(words)} ended with status {done.returncode}",
            said or "see whether the machine has memory left",
        )
    return done.stdout.decode(errors="replace")
