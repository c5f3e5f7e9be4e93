"""A cluster's servers killed under load: acknowledged is stored, and once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from page_tracker.lake.table import Lake
from page_tracker.store import keys
from page_tracker.store.clients import open_client
from page_tracker.store.counters import Live
from support.clusters import Node, TestCluster, started_cluster, wait_until
from support.hitting import SITE, Sent, hitting
from support.lake import paths
from support.pace import ANSWER_SECONDS, PACE
from support.processes import command, serving

SHARDS = range(24)
PATIENCE = ("--cluster-node-timeout", str(round(1000 * PACE)))


@pytest.fixture(name="cluster")
def _cluster(tmp_path: Path) -> Iterator[TestCluster]:
    """Three primaries, each with a replica."""
    (tmp_path / "nodes").mkdir()
    with started_cluster(tmp_path / "nodes", 3, 3, *PATIENCE) as started:
        yield started


@pytest.mark.timeout(1800)
def test_killing_a_primary_costs_no_hit_and_counts_none_twice(
    cluster: TestCluster, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """While its replica takes over, and until it has a replica again, hits wait."""
    data = tmp_path / "data"
    settings = {
        "REDIS_URL": cluster.url,
        "PAGE_TRACKER_REDIS_REPLICAS": "1",
        "PAGE_TRACKER_TRUSTED_PROXIES": "127.0.0.0/8",
    }
    command("site", "add", SITE, "--data", str(data), **settings)
    with serving(data, **settings) as server:
        with hitting(server.url, 2, each_second=60) as sent:
            for number in range(9 if request.config.getoption("--long") else 1):
                _acknowledges_again(sent)
                one = number % len(cluster.primaries)
                pair = (cluster.primaries[one], cluster.replicas[one])
                killed, other = sorted(pair, key=lambda node: not node.is_primary)
                killed.kill()
                wait_until(partial(_is_primary, other), ANSWER_SECONDS)
                _acknowledges_again(sent)
                killed.start()
                wait_until(lambda: not list(data.glob("spool/*")), ANSWER_SECONDS)
        wait_until(lambda: not list(data.glob("spool/*")), ANSWER_SECONDS)
    assert set(sent.statuses) == {202}
    command("writer", "--once", "--data", str(data), **settings)
    stored = paths(Lake(str(data / "lake")))
    sent.must_be_stored_once(stored)
    with open_client(cluster.url, ANSWER_SECONDS) as client:
        assert Live(client, SHARDS).total(SITE) == len(stored)
        assert all(client.exists(keys.state(shard)) for shard in SHARDS)


def _is_primary(node: Node) -> bool:
    return node.is_primary


def _acknowledges_again(sent: Sent) -> None:
    """Wait until hits of all shards, probably, are acknowledged."""
    before = len(sent.acknowledged)
    wait_until(lambda: len(sent.acknowledged) > before + 2 * len(SHARDS))
