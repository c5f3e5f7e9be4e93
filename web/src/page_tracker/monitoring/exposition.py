"""All of it, for each scrape: what processes have counted, and how everything is now.

Where Redis does not answer, what it knows is left out, and
`page_tracker_redis_up` is 0: a scrape always has an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from redis import Redis, RedisError

from page_tracker.collect.spool_file import SpoolState
from page_tracker.monitoring import figures
from page_tracker.store.pass_record import FillRecord, UpkeepRecord
from page_tracker.store.redis_health import redis_problem
from page_tracker.store.stream import Stream
from page_tracker.tally import TALLY, Tally

_NO_BOUND = "+Inf"


@dataclass(frozen=True, eq=False)
class Exposition(Collector):
    """What prometheus-client asks when it is scraped."""

    redis: Redis
    streams: Sequence[Stream]
    # How many rows may wait in each stream.
    most_rows: int
    # By the name that they have in the label `folder`.
    folders: Mapping[str, Path]
    # What waits on disk while Redis is away.
    spool: Callable[[], SpoolState]
    tally: Tally = TALLY

    def collect(self) -> Iterator[Metric]:
        yield figures.of_build()
        yield figures.of_clock()
        yield from counted(self.tally)
        yield from figures.of_processes()
        yield from figures.of_disks(self.folders)
        yield from figures.of_spool(self.spool())
        found: list[Metric] = []
        is_up = redis_problem(self.redis) is None
        if is_up:
            try:
                found = list(self._of_store())
            except RedisError:
                is_up = False
        yield figures.is_up("redis", "1 if Redis takes writes.", is_up)
        yield from found

    def _of_store(self) -> Iterator[Metric]:
        yield from figures.of_redis(self.redis)
        yield from figures.of_streams(self.streams, self.most_rows)
        yield from figures.of_upkeep(UpkeepRecord(self.redis).read())
        fill = FillRecord(self.redis)
        yield from figures.of_fill(fill.read(), fill.rows())


def counted(tally: Tally) -> Iterator[Metric]:
    """What all processes have counted together."""
    for counter in tally.counters:
        family = CounterMetricFamily(counter.name, counter.says, labels=counter.labels)
        for labels, total in counter.totals():
            family.add_metric(labels, total)
        yield family
    for histogram in tally.histograms:
        shown = HistogramMetricFamily(
            histogram.name, histogram.says, labels=histogram.labels
        )
        bounds = [*map(str, histogram.bounds), _NO_BOUND]
        for labels, numbers, total in histogram.totals():
            buckets = list(zip(bounds, accumulate(numbers), strict=True))
            shown.add_metric(labels, buckets, total)
        yield shown
