"""A lock between machines: a file in a bucket that says until when it is held.

    nobody has it → put where there is none: of many, one succeeds
    held          → written again by its holder, long before its time is over
    its time is over, as its holder died → replaced by who waits, if it is still that

Which time it is, the store says: machines' clocks differ. Whoever has not written it
again for too long (a machine that slept) may no longer hold it; the lake's log then
refuses what it commits late. So a lease spares work, and nothing rests on it alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from uuid import uuid4

from page_tracker.lake.bucket import Bucket

LASTING = 60.0  # seconds
POLL = 0.2  # seconds


@contextmanager
def held(
    bucket: Bucket, name: str, patience: float = inf, lasting: float = LASTING
) -> Iterator[None]:
    """Hold a lease within the block, alone of all machines and threads.

    Raises BlockingIOError if others still hold it after `patience` seconds, OSError.
    """
    file, holder = f"locks/{name}", uuid4().hex.encode()
    deadline = time.monotonic() + patience
    while not _taken(bucket, file, holder, lasting):
        if time.monotonic() >= deadline:
            raise BlockingIOError(f"another machine holds {name} of {bucket.uri}")
        time.sleep(POLL)
    done = threading.Event()
    renewing = threading.Thread(
        target=_renew, args=(bucket, file, holder, lasting, done), daemon=True
    )
    renewing.start()
    try:
        yield
    finally:
        done.set()
        renewing.join()
        _let_go(bucket, file, holder)


def _taken(bucket: Bucket, file: str, holder: bytes, lasting: float) -> bool:
    if bucket.put_new(file, holder):
        return True
    try:
        if bucket.read(file) == holder:  # the store's answer was lost
            return True
        found = bucket.stamp(file)
        if bucket.now(f"{file}.clock") - found.written < lasting:
            return False
    except FileNotFoundError:  # it has just been let go
        return False
    return bucket.put_over(file, holder, found)


def _renew(
    bucket: Bucket, file: str, holder: bytes, lasting: float, done: threading.Event
) -> None:
    """Write it again while it is ours; a store that is away is tried again."""
    while not done.wait(lasting / 4):
        try:
            if bucket.read(file) == holder:
                bucket.put_over(file, holder, bucket.stamp(file))
        except OSError:
            continue


def _let_go(bucket: Bucket, file: str, holder: bytes) -> None:
    try:
        if bucket.read(file) == holder:
            bucket.delete(file)
    except OSError:  # it ends by itself
        pass
