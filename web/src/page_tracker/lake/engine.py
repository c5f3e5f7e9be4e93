"""DuckDB over a snapshot's files: how the lake's own upkeep reads what it rewrites."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # loaded with the first engine: a writer has days without
    import duckdb

MEMORY = "512MB"
THREADS = 2


@contextmanager
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that fetches nothing from outside and is bounded in memory.

    What does not fit spills into a folder that is gone with the connection. Raises
    OSError where a file cannot be read: a deletion may have removed it meanwhile, or it
    is damaged, of which some kinds have no error of their own.
    """
    # pylint: disable-next=import-outside-toplevel # see above
    import duckdb

    with TemporaryDirectory(prefix="page-tracker-") as folder:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "memory_limit": MEMORY,
            "threads": THREADS,
            "temp_directory": folder,
            "preserve_insertion_order": True,
        }
        try:
            with duckdb.connect(config=settings) as connection:
                yield connection
        except duckdb.Error as error:
            raise OSError(f"its files cannot be read: {error}") from error


def rows_in(
    connection: duckdb.DuckDBPyConnection, files: Sequence[str]
) -> duckdb.DuckDBPyRelation:
    """The rows of a snapshot's files, partition and all; at least one file."""
    return connection.sql(
        "SELECT * FROM read_parquet($files, hive_partitioning = true,"
        " hive_types = {'month': VARCHAR})",
        params={"files": list(files)},
    )
