"""Some files of one of the lake's tables. Loads no engine."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TableFiles:
    """Files of a table, by their paths."""

    table: str
    paths: Sequence[str]
