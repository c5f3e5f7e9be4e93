"""Steps that change the lake: each opens a table, reads it and commits.

refused, as another process committed first → again from the newest state → … → an error
failed, as files are damaged → the other steps are done → then the error is raised
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from deltalake.exceptions import CommitFailedError, DeltaError

from page_tracker.errors import LakeError, PageTrackerError

T = TypeVar("T")

# A step is tried so often, with a pause before each try that grows by LONGER.
TRIES = 30
LONGER = 0.02  # seconds

# deltalake's message if the log of an older snapshot was cleaned up meanwhile.
_CLEANED_UP = ("Invalid table version", "File not found")


class ConflictError(LakeError):
    """Another process has changed the table since the snapshot: look again."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"others have changed the lake meanwhile ({why})", "try it again"
        )
        self.why = why


class LakeBusyError(LakeError):
    """Other processes committed first, each time the step was tried."""


@contextmanager
def conflicts() -> Iterator[None]:
    """Raise ConflictError if a commit is refused or the snapshot is too old."""
    try:
        yield
    except CommitFailedError as error:
        raise ConflictError(str(error)) from error
    except DeltaError as error:
        said = str(error)
        if _CLEANED_UP[0] in said or (_CLEANED_UP[1] in said and "_delta_log" in said):
            raise ConflictError(said) from error
        raise


def done_each(steps: Iterable[Callable[[], object]]) -> None:
    """Do all steps even if some fail. Raises the first failure."""
    failures = []
    for step in steps:
        try:
            step()
        except (DeltaError, OSError, PageTrackerError) as error:
            failures.append(error)
    if failures:
        raise failures[0]


def repeated(step: Callable[[], T]) -> T:
    """Do a step that opens the table itself, until no other process commits first.

    Raises LakeBusyError if others always were first, and what the step raises.
    """
    attempt = 0
    while True:
        time.sleep(random.uniform(0, LONGER * attempt))  # nosec: a pause, not a secret
        attempt += 1
        try:
            with conflicts():
                return step()
        except ConflictError as error:
            if attempt == TRIES:
                raise LakeBusyError(
                    f"others change the lake at the same time, {TRIES} times in a row"
                    f" ({error.why})",
                    "what is done is done; the same once more does the rest",
                ) from error
