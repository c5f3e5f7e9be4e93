"""How many requests a commit of hits takes of a bucket.

    python bench/commits.py [--machines 1 2 4] [--commits 120]

So many machines with a writer each have a shard each, and commit in turn, a hit at a
time, to a lake in a bucket of a SeaweedFS on this machine. A checkpoint is made every
60 commits, as upkeep makes one a minute. A proxy counts what comes after the first one;
no time is measured.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from redis import Redis

from page_tracker.lake.vacuum import clean_up
from page_tracker.processes.embedded import redis_of
from page_tracker.settings import Settings
from page_tracker.store.ingest import submit
from page_tracker.store.stream import Stream
from page_tracker.writer.writer import Writer

sys.path.append(str(Path(__file__).parents[1] / "test"))
# pylint: disable=wrong-import-position # of the tests
from support.hits import batch, hit  # noqa: E402
from support.meddling import meddling  # noqa: E402
from support.own_bucket import OwnBucket, lake_in, own_bucket  # noqa: E402

# pylint: enable=wrong-import-position

A_CHECKPOINT = 60  # commits


def requests(
    store: OwnBucket, redis: Redis, folder: Path, machines: int, commits: int
) -> Counter[str]:
    """The requests of so many commits, by their methods."""
    counted: Counter[str] = Counter()

    def count(method: str, _path: str, status: int) -> int:
        counted[method] += 1
        return status

    redis.flushall()
    with meddling(store.url, count) as url:
        place = store.bucket(url)
        lakes = [lake_in(place, folder / str(shard)) for shard in range(machines)]
        writers = [
            Writer(Stream(redis, shard), lake) for shard, lake in enumerate(lakes)
        ]
        found: Counter[str] = Counter()
        for number in range(A_CHECKPOINT + commits):
            writer = writers[number % machines]
            submit(redis, batch([hit(f"/{number}")], shard=writer.stream.shard))
            if number % A_CHECKPOINT == 0:
                clean_up(writer.lake, "hits")
            counted.clear()
            writer.round()
            if number >= A_CHECKPOINT:
                found += counted
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machines", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--commits", type=int, default=120)
    given = parser.parse_args()
    with TemporaryDirectory() as temporary:
        here = Path(temporary)
        (here / "store").mkdir()
        with (
            redis_of(Settings(data=here / "data")) as url,
            own_bucket(here / "store") as store,
            Redis.from_url(url) as redis,
        ):
            for machines in given.machines:
                found = requests(store, redis, here, machines, given.commits)
                print(
                    f"{machines} machines: {found.total() / given.commits:6.1f}"
                    f" requests a commit, {found['PUT'] / given.commits:4.1f} of them"
                    " puts",
                    flush=True,
                )


if __name__ == "__main__":
    main()
