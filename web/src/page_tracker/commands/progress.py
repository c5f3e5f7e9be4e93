"""An import's progress, for a person at a terminal; silent if there is none."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn
from rich.progress import Progress as Bars
from rich.progress import TaskID, TextColumn, TimeRemainingColumn

from page_tracker.history.lines import Log, size_of
from page_tracker.history.register import Import


class Progress:
    """A bar while logs are read, and one while their days are written."""

    def __init__(self, stream: IO[str]) -> None:
        self._console = Console(file=stream)
        self._bars: Bars | None = None
        self._reading: TaskID | None = None
        self._writing: TaskID | None = None
        self._done = 0
        self._log: Log | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def begin(self, logs: Sequence[str]) -> None:
        """Show a bar for the reading of these logs."""
        if not self._console.is_terminal:
            return
        sizes = [size_of(name) for name in logs]
        total = None if None in sizes else sum(size or 0 for size in sizes)
        bars = self._shown(DownloadColumn(), TimeRemainingColumn())
        self._reading = bars.add_task("Reading", total=total)

    def reads(self, log: Log) -> None:
        """This much of this log has been read."""
        if self._bars is None or self._reading is None:
            return
        if self._log is not log:
            self._done += self._log.read_bytes if self._log else 0
            self._log = log
        self._bars.update(self._reading, completed=self._done + log.read_bytes)

    def writes(self, done: int, days: int) -> None:
        """This many of the days are in the lake."""
        if not self._console.is_terminal:
            return
        if self._writing is None or self._bars is None:
            self.stop()
            self._bars = self._shown(MofNCompleteColumn(), TextColumn("days"))
            self._writing = self._bars.add_task("Writing")
        self._bars.update(self._writing, completed=done, total=days)

    def finishes(self, entry: Import) -> None:
        """An interrupted import is finished first."""
        what = "import" if entry.state == "writing" else "undoing of import"
        self._console.print(
            f"Finishing the {what} {entry.id} of {entry.site}, which was interrupted.",
            highlight=False,
        )

    def stop(self) -> None:
        """Remove the bars."""
        if self._bars is not None:
            self._bars.stop()
        self._bars = self._reading = self._writing = self._log = None
        self._done = 0

    def _shown(
        self,
        *columns: DownloadColumn
        | TimeRemainingColumn
        | TextColumn
        | MofNCompleteColumn,
    ) -> Bars:
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            *columns,
            console=self._console,
            transient=True,
        )
        self._bars.start()
        return self._bars
