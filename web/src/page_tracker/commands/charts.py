"""Bars and lines of text."""

from __future__ import annotations

from collections.abc import Sequence

EIGHTHS = " ▏▎▍▌▋▊▉█"
LEVELS = "▁▂▃▄▅▆▇█"
BAR_WIDTH = 20
SPARK_WIDTH = 60


def bar_of(value: float, most: float) -> str:
    """A bar for the value's share of the maximum, to an eighth of a character."""
    if value <= 0 or most <= 0:
        return ""
    eighths = max(1, round(8 * BAR_WIDTH * min(value / most, 1)))
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def sparkline(values: Sequence[float], width: int = SPARK_WIDTH) -> str:
    """One character per value, from 0 to the maximum; too many values are summed."""
    size = -(-len(values) // width) or 1
    sums = [sum(values[at : at + size]) for at in range(0, len(values), size)]
    most = max(sums, default=0)
    if most <= 0:
        return LEVELS[0] * len(sums)
    top = len(LEVELS) - 1
    return "".join(LEVELS[max(0, round(top * value / most))] for value in sums)
