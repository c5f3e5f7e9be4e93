"""Redis killed in the middle of ingesting: nothing lost, nothing twice."""

from __future__ import annotations

import random
import threading
from collections import Counter
from pathlib import Path

from page_tracker.hits.hit import Drop
from page_tracker.store.counters import Live
from page_tracker.store.ingest import Batch, StoreAwayError, submit
from page_tracker.store.stream import Stream
from support.ingesting import DAY, SITE, a_batch, a_hit, named
from support.own_redis import OwnRedis, own_redis

KILLS = 10
HITS = 30


def test_batches_submitted_again_after_kills_are_stored_once(tmp_path: Path) -> None:
    chance = random.Random(4)  # nosec B311 # draws test data
    batches = 0
    with own_redis(tmp_path) as server:
        for _ in range(KILLS):
            killer = threading.Timer(chance.uniform(0.01, 0.15), server.kill)
            killer.start()
            killed = False
            while not killed:
                killed = _submit_through(server, _batch(batches), killer)
                batches += 1
        client = server.client()
        entries = Stream(client).read(0, batches + 1)
        live = Live(client)
        assert [entry.number for entry in entries] == list(range(1, batches + 1))
        paths = Counter(named(row)["path"] for e in entries for row in e.rows())
        assert paths == Counter(f"/{n}" for n in range(batches * HITS))
        assert sum(row[4] for entry in entries for row in entry.drops()) == batches
        assert live.total(SITE) == batches * HITS
        assert live.today(SITE, DAY).visitors == len(VISITORS)
        assert sum(row.number for row in live.drops(SITE, DAY)) == batches
        client.close()


VISITORS = [f"visitor {n}" for n in range(7)]


def _batch(number: int) -> Batch:
    hits = [
        a_hit(f"/{n}", visitor=VISITORS[n % len(VISITORS)])
        for n in range(number * HITS, (number + 1) * HITS)
    ]
    return a_batch(0, *hits, drops=[Drop(DAY, SITE, "bot", "Googlebot")])


def _submit_through(server: OwnRedis, batch: Batch, killer: threading.Timer) -> bool:
    """Submit a batch until it is answered; whether the server was killed meanwhile."""
    with server.client() as client:
        try:
            submit(client, batch)
            return False
        except StoreAwayError:
            killer.join()
            server.start()
    with server.client() as client:
        submit(client, batch)
    return True
