"""`python -m page_tracker.writer.health`: whether the lake's writer is working.

A container's health check runs this every few seconds, so it imports little.
"""

import sys
import time
from collections.abc import Sequence

from page_tracker.settings import Settings
from page_tracker.settings_parsing import DEFAULT_REDIS_URL
from page_tracker.store.clients import open_client
from page_tracker.store.stream import Stream, StreamAwayError

# A round takes a second or two; a writer that has finished none for this long hangs.
MAX_SILENCE = 20.0  # seconds


def problems(streams: Sequence[Stream], now: float) -> list[str]:
    """What keeps shards from being written; `now` in seconds since 1970."""
    found = []
    for stream in streams:
        report = stream.record.last_report()
        if report is None or now - report[0] / 1000 > MAX_SILENCE:
            found.append(f"shard {stream.shard}: no writer is at work")
        elif report[1]:
            found.append(f"shard {stream.shard}: {report[1]}")
    return found


def main() -> str | None:
    """The first line of what is wrong; None if nothing is."""
    settings = Settings.from_environment()
    url = settings.redis_url or DEFAULT_REDIS_URL
    with open_client(url, seconds=1) as redis:
        streams = [Stream(redis, shard) for shard in range(settings.shards)]
        try:
            return "\n".join(problems(streams, time.time())) or None
        except StreamAwayError as error:
            return f"Redis does not answer: {error}"


if __name__ == "__main__":
    sys.exit(main())
