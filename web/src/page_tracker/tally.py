"""What processes count of their own work, in memory that those forked from one share.

    a process adds to its row → the sums of all rows are what was counted

A row has one writer at a time. A process that is started in place of one that ended
goes on in its row, so no sum ever falls. Nothing has to be locked or published, and
what a killed process had counted is still there.

Counts are declared when modules are loaded, before any process is forked. They are
added to by one thread alone: in a web process that of the event loop.
"""

from __future__ import annotations

import mmap
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count, product

import msgspec

# The most web processes that a setting allows, and as many that replace them.
ROWS = 512
CELLS = 1024  # of 8 bytes; a page of memory is taken once something is counted in it

Labels = tuple[str, ...]


class Tally:
    """The memory, of which each process has a row; the first is that of who forks."""

    def __init__(self) -> None:
        self._given = 0
        self.counters: list[Counter] = []
        self.histograms: list[Histogram] = []
        self._cells = _memory()
        self.use_row(0)

    def count_apart(self) -> None:
        """Have this process count in memory that no other process sees."""
        self._cells = _memory()
        self.use_row(0)

    def use_row(self, number: int) -> None:
        """Have this process count in a row, which no other one uses."""
        self.row = self._cells[number * CELLS : (number + 1) * CELLS]

    def counter(self, name: str, says: str, **labels: Collection[str]) -> Counter:
        """Declare a counter; its labels have these values and no others."""
        combinations = list(product(*labels.values()))
        cells = dict(zip(combinations, self._new_cells(len(combinations)), strict=True))
        self.counters.append(Counter(self, name, says, tuple(labels), cells))
        return self.counters[-1]

    def histogram(
        self, name: str, says: str, bounds: Sequence[float], **labels: Collection[str]
    ) -> Histogram:
        """Declare a histogram with these upper bounds; labels as for a counter."""
        # A cell for each bound, one for what is above all of them, one for the sum.
        cells = {
            each: self._new_cells(len(bounds) + 2) for each in product(*labels.values())
        }
        self.histograms.append(
            Histogram(self, name, says, tuple(labels), cells, bounds)
        )
        return self.histograms[-1]

    def _new_cells(self, number: int) -> range:
        """The next cells of every row."""
        first, self._given = self._given, self._given + number
        if self._given > CELLS:
            raise RuntimeError(f"more than {CELLS} cells are declared: raise CELLS")
        return range(first, self._given)

    def sum(self, cell: int) -> float:
        return sum(self._cells[cell::CELLS])


class Counter(msgspec.Struct, frozen=True):
    """A number for each combination of labels; it only grows."""

    tally: Tally
    name: str
    says: str
    labels: Labels
    cells: Mapping[Labels, int]

    def add(self, *labels: str) -> None:
        self.tally.row[self.cells[labels]] += 1

    def totals(self) -> Iterator[tuple[Labels, float]]:
        """What all processes have counted, for each combination of labels."""
        for labels, cell in self.cells.items():
            yield labels, self.tally.sum(cell)


class Histogram(msgspec.Struct, frozen=True):
    """How many of some values were at most each bound, and their sum."""

    tally: Tally
    name: str
    says: str
    labels: Labels
    cells: Mapping[Labels, Sequence[int]]
    bounds: Sequence[float]

    def observe(self, value: float, *labels: str) -> None:
        cells, row = self.cells[labels], self.tally.row
        row[cells[bisect_left(self.bounds, value)]] += 1
        row[cells[-1]] += value

    def totals(self) -> Iterator[tuple[Labels, list[float], float]]:
        """Labels; how many were above the bound before and within each, and above all
        of them; the sum of the values."""
        for labels, cells in self.cells.items():
            *numbers, total = map(self.tally.sum, cells)
            yield labels, numbers, total


def _memory() -> memoryview[float]:
    """What this process shares with those that it forks."""
    return memoryview(mmap.mmap(-1, ROWS * CELLS * 8)).cast("d")


TALLY = Tally()


def free_row(taken: Collection[int]) -> int:
    """The row for a process that is about to be forked, where others have these."""
    return next(row for row in count(1) if row not in taken)
