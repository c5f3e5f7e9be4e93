"""Some files of one of the lake's tables. Loads no engine."""

from collections.abc import Sequence

import msgspec


class TableFiles(msgspec.Struct, frozen=True):
    """Files of a table, by their paths."""

    table: str
    paths: Sequence[str]
