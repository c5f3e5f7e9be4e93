"""What became of hits and batches, counted for monitoring."""

from __future__ import annotations

from page_tracker.errors import NotStoredError, TooManyHitsError
from page_tracker.hits.hit import Reason
from page_tracker.protocols import PROTOCOLS
from page_tracker.protocols.bulk import Fate
from page_tracker.store.ingest import MAX_HITS
from page_tracker.tally import TALLY

# The outcome of a hit, as its sender hears it.
ACCEPTED = "accepted"
DROPPED = "dropped"  # for a reason that its owner can see
INVALID = "invalid"  # nothing in the request can be counted
LIMITED = "limited"  # its address sends too much: 429
NOT_STORED = "not_stored"  # to come again later: 503
FAULT = "fault"  # ours: 500

HITS = TALLY.counter(
    "page_tracker_hits",
    "Hits by the format they came in and what became of them.",
    protocol=sorted({protocol.name for protocol in PROTOCOLS.values()}),
    outcome=(ACCEPTED, DROPPED, INVALID, LIMITED, NOT_STORED, FAULT),
)
DROPS = TALLY.counter(
    "page_tracker_drops",
    "Hits that do not count, by reason.",
    reason=list(Reason),
)
BATCH_HITS = TALLY.histogram(
    "page_tracker_batch_hits",
    "Hits in a batch that is sent to Redis.",
    (1, 2, 5, 10, 20, 50, 100, 200, 500, MAX_HITS),
)
BATCH_SECONDS = TALLY.histogram(
    "page_tracker_batch_seconds",
    "How long Redis takes to store a batch, in seconds.",
    (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)


def count_fate(protocol: str, fate: Fate) -> None:
    """Count what became of a hit that was sent in a protocol's format."""
    if not fate:
        HITS.add(protocol, ACCEPTED)
    elif isinstance(fate, TooManyHitsError):
        HITS.add(protocol, LIMITED)
    elif isinstance(fate, NotStoredError):
        HITS.add(protocol, NOT_STORED)
    else:
        is_dropped = any(drop.reason != Reason.INVALID_REVENUE for drop in fate)
        HITS.add(protocol, DROPPED if is_dropped else ACCEPTED)
        count_drops(fate)


def count_drops(fate: Fate) -> None:
    """Count the reasons why something does not count."""
    if not isinstance(fate, NotStoredError):
        for drop in fate:
            DROPS.add(drop.reason)
