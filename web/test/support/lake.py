"""What is in a lake, read by an engine that is not the one that wrote it."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb

from page_tracker.lake.table import Lake

# Makes a lake in a folder, or one in a bucket with its copies there. It keeps what it
# no longer needs for so long.
NewLake = Callable[[Path, timedelta], Lake]


def ask(lake: Lake, query: str) -> list[tuple[Any, ...]]:
    """Rows of a query in which `hits` and `drops` are the lake's tables as they are."""
    with duckdb.connect() as connection:
        for name in ("hits", "drops"):
            if files := lake.paths(lake.snapshot(name)):
                connection.read_parquet(files, hive_partitioning=True).create_view(name)
        return connection.sql(query).fetchall()


def paths(lake: Lake) -> list[str]:
    """The path of each hit, sorted: one that is in twice is here twice."""
    if not lake.snapshot("hits").file_uris():
        return []
    return [path for (path,) in ask(lake, "SELECT path FROM hits ORDER BY path")]


def dropped(lake: Lake) -> int:
    if not lake.snapshot("drops").file_uris():
        return 0
    return int(ask(lake, "SELECT sum(number) FROM drops")[0][0])


def files_in(lake: Lake) -> list[Path]:
    """Every file of the lake's folder, of its logs too."""
    return [path for path in Path(lake.uri).rglob("*") if path.is_file()]
