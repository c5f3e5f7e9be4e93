"""Random visits with hits deleted are numbered as if those had never been sent."""

import random
from pathlib import Path

import pytest
from redis import Redis

from page_tracker.hits.hit import Hit, Kind
from page_tracker.lake.table import Lake
from page_tracker.store.ingest import submit
from page_tracker.store.store_deletion import StoreDeletion
from page_tracker.store.stream import Stream
from page_tracker.upkeep.deletion import Deletion, Selection
from page_tracker.writer.writer import Done, Writer
from support.hits import SITE, batch, hit
from support.lake import ask

DAY = 86_400_000_000
TODAY = 20_700
SEEN = (
    "SELECT time, path, step, view, interaction, since, elapsed, arrival, previous,"
    " previous_hostname, entry_path, entry_hostname FROM hits ORDER BY time"
)


def visits(draw: random.Random) -> list[Hit]:
    """Visits of some visitors on some pages, never silent for half an hour even where
    a hit is taken away."""
    hits = []
    for who in range(draw.randrange(1, 5)):
        moment = TODAY * DAY + draw.randrange(DAY // 2) // 1000 * 1000
        for _ in range(draw.randrange(1, 9)):
            kind = draw.choice([Kind.VIEW, Kind.VIEW, Kind.EVENT, Kind.QUIET])
            path = draw.choice(["/a", "/b", "/marked"])
            hits.append(hit(path, moment, visitor=b"%d" % who, kind=kind))
            moment += draw.randrange(1, 90) * 1_000_000
            if draw.random() < 0.3:
                engaged = hit(path, moment, visitor=b"%d" % who, kind=Kind.ENGAGEMENT)
                hits.append(engaged)
                moment += 1_000_000
    return sorted(hits, key=lambda each: each.record.time)


def stored(redis: Redis, lake: Lake, hits: list[Hit]) -> Writer:
    redis.flushall()
    writer = Writer(Stream(redis), lake)
    if hits:
        submit(redis, batch(hits))
    while writer.round() is not Done.NOTHING:
        pass
    return writer


@pytest.mark.parametrize("seed", range(12))
def test_what_is_left_looks_as_if_the_rest_had_never_been(
    redis_client: Redis, tmp_path: Path, seed: int
) -> None:
    hits = visits(random.Random(seed))  # nosec B311 # draws test data
    kept = [each for each in hits if each.record.path != "/marked"]
    cut, never = Lake(str(tmp_path / "cut")), Lake(str(tmp_path / "never"))
    stored(redis_client, never, kept)
    writer = stored(redis_client, cut, hits)

    chosen = Selection(SITE.id, "/marked")
    Deletion(chosen, cut, [writer], StoreDeletion(redis_client), dict).run(TODAY)

    if not kept:
        assert not cut.snapshot("hits").file_uris()
    elif not never.snapshot("hits").file_uris():
        assert not ask(cut, SEEN)
    else:
        assert ask(cut, SEEN) == ask(never, SEEN)
