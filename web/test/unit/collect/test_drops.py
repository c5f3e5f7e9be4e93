"""Which shard a hit or a drop goes to."""

from page_tracker.collect.drops import shard_among
from page_tracker.hits.hit import Drop, Reason
from page_tracker.store.ingest import Bounds
from page_tracker.store.keys import shard_of
from page_tracker.store.shards import Division
from support.ingesting import DAY, SITE, a_hit

SHARDS = 24
DIVISION = Division(SHARDS)


def test_drops_are_spread_and_equal_ones_are_together() -> None:
    drops = [Drop(DAY, SITE, Reason.BOT, f"bot {n}") for n in range(200)]
    assert len({shard_among(drop, DIVISION) for drop in drops}) > SHARDS / 2
    assert all(shard_among(d, DIVISION) == shard_among(d, DIVISION) for d in drops)
    assert {shard_among(drop, Division(1)) for drop in drops} == {0}


def test_a_hit_goes_where_its_visitor_is() -> None:
    hits = [a_hit(visitor=str(n)) for n in range(9)]
    assert [shard_among(hit, DIVISION) for hit in hits] == [
        shard_of(hit.visitor, SHARDS) for hit in hits
    ]


def test_days_that_had_begun_before_there_were_more_shards_stay_as_they_were() -> None:
    grown = Division(SHARDS, before=1, until=DAY)
    visitors = [str(number) for number in range(99)]
    assert {shard_among(a_hit(visitor=v), grown) for v in visitors} == {0}
    later = [a_hit(visitor=v, day=DAY + 1) for v in visitors]
    assert [shard_among(hit, grown) for hit in later] == [
        shard_among(hit, DIVISION) for hit in later
    ]
    assert shard_among(Drop(DAY, SITE, Reason.BOT, "a bot"), grown) == 0


def test_a_shard_that_once_had_all_visitors_may_have_as_many() -> None:
    grown = Division(SHARDS, before=1, until=DAY)
    bounds = Bounds(visitors=2_400, of_address=240)
    assert bounds.divided(grown.parts(0)) == bounds
    assert bounds.divided(grown.parts(1)) == Bounds(visitors=100, of_address=10)
