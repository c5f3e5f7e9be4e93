"""A site right now: of its own day, and of the last minutes."""

from __future__ import annotations

from redis import Redis

from page_tracker.hits.hit import Drop, Reason
from page_tracker.query.live_figures import as_json, live_figures
from page_tracker.sites.site import Site
from page_tracker.store.counters import RECENT_MINUTES, Live
from page_tracker.store.ingest import submit
from support.ingesting import DAY, NOON, SECOND, SITE, a_batch, a_hit, new_shard

NOW = NOON // SECOND


def test_a_site_is_told_of_as_it_is_now(redis_client: Redis) -> None:
    # There the day after has begun.
    site = Site(id=SITE, timezone="Pacific/Kiritimati")
    drops = [
        Drop(DAY, SITE, Reason.BOT, "Googlebot"),
        *[Drop(DAY + 1, SITE, Reason.OWN_ADDRESS, "192.0.2.0/24")] * 2,
        *[Drop(DAY + 1, SITE, Reason.BOT, "AI assistant: ChatGPT-User")] * 3,
        Drop(DAY + 1, SITE, Reason.BOT, "AI crawler: GPTBot"),
    ]
    with new_shard(redis_client) as shard:
        submit(redis_client, a_batch(shard, a_hit("/a"), a_hit("/b"), drops=drops))

        told = as_json(live_figures(Live(redis_client, [shard]), site, NOW))

    assert told["minutes"][-1] == {"minute": NOW, "views": 2, "visitors": 1}
    assert len(told.pop("minutes")) == RECENT_MINUTES
    assert told == {
        "visitors": 1,
        "pages": {"/b": 1},
        "sources": {"Direct / None": 1},
        "ai_assistants": 3,
        "folded": 0,
        "dropped": [
            {"reason": "bot", "name": "AI assistant: ChatGPT-User", "number": 3},
            {"reason": "own_address", "name": "192.0.2.0/24", "number": 2},
            {"reason": "bot", "name": "AI crawler: GPTBot", "number": 1},
        ],
    }
