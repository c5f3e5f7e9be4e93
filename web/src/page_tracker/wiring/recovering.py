"""Rebuilds a lake from its files, or starts a new one."""

from dataclasses import dataclass
from pathlib import Path

from page_tracker.history.recovered_positions import continue_from_queue, positions
from page_tracker.lake.closed_days import OF_CLOSED_DAYS
from page_tracker.lake.log_recovery import (
    Survey,
    add_doubtful,
    lost_tables,
    rebuild,
    set_closed_days_aside,
    survey,
)
from page_tracker.settings import Settings
from page_tracker.wiring.lake import open_lake
from page_tracker.wiring.register import open_register
from page_tracker.wiring.store import open_streams
from page_tracker.writer.writer import LakeLostError, refuse_new_lake


@dataclass(frozen=True)
class Recovery:
    """Recovers the lake of some settings; their Redis has to answer."""

    settings: Settings

    def surveys(self) -> list[Survey]:
        """What is left of the tables that have lost their log; changes nothing."""
        lost = lost_tables(open_lake(self.settings))
        return [
            survey(open_lake(self.settings), name)
            for name in lost
            if name not in OF_CLOSED_DAYS
        ]

    def has_lost_closed_days(self) -> bool:
        return not {*OF_CLOSED_DAYS}.isdisjoint(lost_tables(open_lake(self.settings)))

    def build(self, found: Survey, with_doubtful: bool) -> int:
        """Rebuild a table; returns how many doubtful rows were added."""
        lake, streams = open_lake(self.settings), open_streams(self.settings)
        register = open_register(self.settings)
        files: list[Path] = [each.path for each in found.counting]
        if found.name != "hits":
            files = lake.files_in_folder("hits")
        known = positions(streams, register.all(), files)
        moved = rebuild(lake, found, known[found.name])
        if found.name == "hits":
            set_closed_days_aside(lake)
        return add_doubtful(lake, found, moved) if with_doubtful else 0

    def forget_closed_days(self) -> None:
        """Reset the tables of closed days: they are computed from the hits."""
        set_closed_days_aside(open_lake(self.settings))

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
