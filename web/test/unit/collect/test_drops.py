"""Which shard a hit or a drop goes to."""

from page_tracker.collect.drops import shard_among
from page_tracker.hits.hit import Drop, Reason
from page_tracker.store.keys import shard_of
from support.ingesting import DAY, SITE, a_hit

SHARDS = 24


def test_drops_are_spread_and_equal_ones_are_together() -> None:
    drops = [Drop(DAY, SITE, Reason.BOT, f"bot {n}") for n in range(200)]
    assert len({shard_among(drop, SHARDS) for drop in drops}) > SHARDS / 2
    assert all(shard_among(d, SHARDS) == shard_among(d, SHARDS) for d in drops)
    assert {shard_among(drop, 1) for drop in drops} == {0}


def test_a_hit_goes_where_its_visitor_is() -> None:
    hits = [a_hit(visitor=str(n)) for n in range(9)]
    assert [shard_among(hit, SHARDS) for hit in hits] == [
        shard_of(hit.visitor, SHARDS) for hit in hits
    ]
