"""DuckDB: the one place where it is opened, and how upkeep reads what it rewrites."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # loaded with the first engine: a writer may run for days without one
    import duckdb

MEMORY = "512MB"
THREADS = 2


def connect(
    memory: str, threads: int | None = None, spill: str = "", in_order: bool = True
) -> duckdb.DuckDBPyConnection:
    """A database in memory that installs nothing and has the time zone UTC.

    `memory` is its limit, as DuckDB writes it. What needs more is written to the folder
    `spill`; without one, it fails. `threads`: by default one for each processor. With
    `in_order` rows keep the order in which they were read.
    """
    # pylint: disable-next=import-outside-toplevel # see above
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "memory_limit": memory,
        "temp_directory": spill,
        "preserve_insertion_order": in_order,
    }
    if threads is not None:
        settings["threads"] = threads
    connection = duckdb.connect(config=settings)
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    # It would stand in the middle of what a command prints, in a pipe too.
    connection.execute("SET enable_progress_bar = false")
    return connection


def keep_no_freed_memory(connection: duckdb.DuckDBPyConnection) -> None:
    """Have freed memory go back to the system at once.

    Else up to 128 MB of it, and 512 MB of large blocks, stay with the process. It costs
    a tenth of the time of many small statements.
    """
    connection.execute("SET allocator_flush_threshold = '1MB'")
    connection.execute("SET allocator_bulk_deallocation_flush_threshold = '1MB'")


@contextmanager
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for upkeep; its spilled files are gone when it is closed.

    Raises OSError if a file cannot be read.
    """
    with TemporaryDirectory(prefix="page-tracker-") as folder, reading_files():
        with connect(MEMORY, THREADS, folder) as connection:
            # It would write all tables again, though to memory only.
            connection.execute("SET checkpoint_threshold = '1TB'")
            yield connection


@contextmanager
def reading_files() -> Iterator[None]:
    """Raise OSError if a file cannot be read: a deletion has removed it meanwhile, or
    it is damaged, for which DuckDB does not always have an error of its own."""
    # pylint: disable-next=import-outside-toplevel # see above
    import duckdb

    try:
        yield
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
