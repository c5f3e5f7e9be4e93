"""Every kind of part of many machines is killed, hangs, is cut off, has a full disk or
a wrong clock while hits come: what is acknowledged is stored, and once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial

import pytest

from page_tracker.store import keys
from page_tracker.store.clients import open_client
from page_tracker.store.counters import Live
from support.clusters import wait_until
from support.hitting import SITE, Sent, hitting
from support.lake import paths
from support.many_machines import (
    SHARDS,
    Machines,
    clock_ahead,
    cut_from,
    cut_off,
    disk_full,
    killed,
    many_machines,
    spool_full,
    stopped,
)
from support.pace import ANSWER_SECONDS

SERVERS = ("primary", "replica", "bucket")
OURS = ("collector", "first writer", "upkeep")
EACH_SECOND = 200
ANSWERS = frozenset({0, 202})  # 0: while the only collector is away

Fault = Callable[[Machines, str], AbstractContextManager[None]]

# What befalls which parts, in turn, and for how long (seconds).
SCENARIOS: dict[str, tuple[Fault, tuple[str, ...], float]] = {
    "killed": (killed, (*SERVERS, *OURS), 5),
    "hang": (stopped, (*SERVERS, *OURS), 30),
    "cut off": (cut_off, SERVERS, 15),
    "cut from Redis": (partial(cut_from, server="redis"), OURS, 15),
    "cut from the bucket": (partial(cut_from, server="bucket"), OURS, 15),
    "disk full": (disk_full, (*SERVERS, "first writer", "upkeep"), 10),
    "5 s ahead": (partial(clock_ahead, seconds=5), (*SERVERS[:2], *OURS), 5),
    "5 s behind": (partial(clock_ahead, seconds=-5), (*SERVERS[:2], *OURS), 5),
    "1 h ahead": (partial(clock_ahead, seconds=3600), (*SERVERS[:2], *OURS), 5),
    "1 h behind": (partial(clock_ahead, seconds=-3600), (*SERVERS[:2], *OURS), 5),
}

# In short.
ONE_OF_EACH: dict[str, Fault] = {
    "primary": killed,
    "first writer": partial(cut_from, server="bucket"),
    "second writer": killed,
    "upkeep": disk_full,
}


@pytest.fixture(scope="module", name="machines")
def _machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    with many_machines(tmp_path_factory.mktemp("machines")) as started:
        yield started


@pytest.mark.timeout(1800)
def test_one_fault_after_the_other_costs_no_hit_and_counts_none_twice(
    machines: Machines,
) -> None:
    befall(machines, _a_fault, tuple(ONE_OF_EACH), 0.1)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_whatever_part_has_a_fault_costs_no_hit_and_counts_none_twice(
    machines: Machines, scenario: str
) -> None:
    befall(machines, *SCENARIOS[scenario])


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_collector_whose_disk_is_full_refuses_what_redis_does_not_take(
    machines: Machines,
) -> None:
    sent = befall(machines, spool_full, ("collector",), 5, ANSWERS | {503})
    assert sent.statuses[503]
    assert not sent.without_retry_after


def befall(
    machines: Machines,
    fault: Fault,
    names: tuple[str, ...],
    seconds: float,
    answers: frozenset[int] = ANSWERS,
) -> Sent:
    """Let parts have a fault, one after the other, under load: all hits are stored."""
    mark = str(time.monotonic_ns())
    with hitting(machines.url, 8, each_second=EACH_SECOND, mark=mark) as sent:
        for name in names:
            _acknowledges_again(sent)
            with fault(machines, name):
                time.sleep(seconds)
            wait_until(machines.is_well, ANSWER_SECONDS)
        _acknowledges_again(sent)
    machines.drain()
    stored = [path for path in paths(machines.lake) if path.startswith(f"/{mark}/")]
    sent.must_be_stored_once(stored)
    assert set(sent.statuses) <= answers
    with open_client(machines.cluster.url, ANSWER_SECONDS) as client:
        counted = Live(client, SHARDS).total(SITE)
        assert counted == len(paths(machines.lake))
        assert all(client.exists(keys.state(shard)) for shard in SHARDS)
    return sent


def _a_fault(machines: Machines, name: str) -> AbstractContextManager[None]:
    return ONE_OF_EACH[name](machines, name)


def _acknowledges_again(sent: Sent) -> None:
    """Wait until hits of all shards, probably, are acknowledged."""
    before = len(sent.acknowledged)
    wait_until(lambda: len(sent.acknowledged) > before + 2 * len(SHARDS))
