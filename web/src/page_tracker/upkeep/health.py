"""`python -m page_tracker.upkeep.health`: whether the lake is looked after.

A container's health check runs this now and then, so it imports little.
"""

import sys
import time

from redis import RedisError

from page_tracker.settings import Settings
from page_tracker.settings_parsing import DEFAULT_REDIS_URL
from page_tracker.store.clients import open_client
from page_tracker.store.pass_record import PassesDone, UpkeepRecord

# Closing a day of very many hits takes minutes.
MAX_SILENCE = 900.0  # seconds


def problem(done: PassesDone, now: float) -> str | None:
    """Why nobody seems to look after the lake; `now` in seconds since 1970."""
    if not done.succeeded:
        return "no pass of upkeep has succeeded yet"
    silence = now - done.succeeded
    if silence > MAX_SILENCE:
        return f"the last pass of upkeep that succeeded was {silence / 60:.0f} min ago"
    return None


def main() -> str | None:
    """What is wrong; None if nothing is."""
    url = Settings.from_environment().redis_url or DEFAULT_REDIS_URL
    try:
        with open_client(url, seconds=1) as redis:
            return problem(UpkeepRecord(redis).read(), time.time())
    except RedisError as error:
        return f"Redis does not answer: {error}"


if __name__ == "__main__":
    sys.exit(main())
