"""Rebuilds a lake from its files, or starts a new one."""

from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree

import msgspec

from page_tracker.history.recovered_positions import continue_from_queue, positions
from page_tracker.lake.bucket_recovery import copied, forget_closed_days, put_back
from page_tracker.lake.closed_days import OF_CLOSED_DAYS
from page_tracker.lake.log_recovery import (
    add_doubtful,
    lost_tables,
    rebuild,
    set_closed_days_aside,
)
from page_tracker.lake.survey import Survey, survey
from page_tracker.lake.table import Lake
from page_tracker.settings import Settings
from page_tracker.wiring.lake import open_lake
from page_tracker.wiring.register import open_register
from page_tracker.wiring.store import open_streams
from page_tracker.writer.writer import LakeLostError, refuse_new_lake


class Recovery(msgspec.Struct, frozen=True):
    """Recovers the lake of some settings; their Redis has to answer."""

    settings: Settings

    @property
    def _folder(self) -> Path:
        """Where a lake in a bucket is copied to."""
        return self.settings.data / "recovering"

    def _here(self, lost: Sequence[str]) -> Lake:
        """The lake, or a copy of what is needed of it, in a folder."""
        lake = open_lake(self.settings)
        if not lake.copies:
            return lake
        return copied(lake.copies.bucket, self._folder, {*lost, "hits"})

    def surveys(self) -> list[Survey]:
        """What is left of the tables that have lost their log; changes nothing."""
        lost = [
            name
            for name in lost_tables(open_lake(self.settings))
            if name not in OF_CLOSED_DAYS
        ]
        here = self._here(lost) if lost else None
        return [survey(here, name) for name in lost if here]

    def has_lost_closed_days(self) -> bool:
        return not {*OF_CLOSED_DAYS}.isdisjoint(lost_tables(open_lake(self.settings)))

    def build(self, found: Survey, with_doubtful: bool) -> int:
        """Rebuild a table; returns how many doubtful rows were added."""
        lake, streams = open_lake(self.settings), open_streams(self.settings)
        here = self._here([found.name])
        files: list[Path] = [each.path for each in found.counting]
        if found.name != "hits":
            files = here.files_in_folder("hits")
        known = positions(streams, open_register(self.settings).all(), files)
        moved = rebuild(here, found, known[found.name])
        added = add_doubtful(here, found, moved) if with_doubtful else 0
        if lake.copies:
            put_back(lake, lake.copies.bucket, here, found.name)
        if found.name == "hits":
            self.forget_closed_days()
        return added

    def forget_closed_days(self) -> None:
        """Reset the tables of closed days: they are computed from the hits."""
        lake = open_lake(self.settings)
        if lake.copies:
            forget_closed_days(lake.copies.bucket)
        else:
            set_closed_days_aside(lake)

    def tidy(self) -> None:
        """Remove the copy of a lake in a bucket."""
        rmtree(self._folder, ignore_errors=True)

    def refusal(self) -> LakeLostError | None:
        """Why the writer refuses to begin in a new lake, if it does."""
        lake = open_lake(self.settings)
        for stream in open_streams(self.settings):
            try:
                refuse_new_lake(lake, stream, lake.snapshot("hits"))
            except LakeLostError as error:
                return error
        return None

    def continue_from_queue(self) -> None:
        """Let the writer begin in a new lake."""
        continue_from_queue(open_lake(self.settings), open_streams(self.settings))
