"""DuckDB, bounded: what runs the statements of questions.

One engine a process; each question has a cursor of its own, a limit of time, and shares
the engine's limit of memory. Nothing is fetched, installed or written by the engine.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from page_tracker.query.catalog import METRICS
from page_tracker.query.problem import BusyError, FilesGone, QuestionTooCostlyError
from page_tracker.query.query import Query
from page_tracker.query.sql import Statement

COUNTRIES = Path(__file__).with_name("countries.csv")

# Questions that are answered at once; further ones wait for as long as one may take.
AT_ONCE = 4


class Engine:
    """DuckDB in this process's memory, bounded; safe to use from many threads.

    `memory` is in bytes, and of all questions together; `seconds` of each.
    """

    def __init__(
        self, memory: int = 512_000_000, seconds: float = 30.0, threads: int = 2
    ) -> None:
        self._root = duckdb.connect(
            config={
                "memory_limit": f"{memory}B",
                "threads": threads,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "temp_directory": "",
                "preserve_insertion_order": False,
            }
        )
        self._root.execute("SET TimeZone = 'UTC'")
        self._root.execute("SET parquet_metadata_cache = true")
        # pylint: disable-next=consider-using-with  # it lives as long as the engine
        self._free = threading.BoundedSemaphore(AT_ONCE)
        self._root.execute(
            "CREATE TABLE countries AS SELECT code, name FROM"
            " read_csv($file, header = true, all_varchar = true)",
            {"file": str(COUNTRIES)},
        )
        self._seconds = seconds

    def rows(self, asked: Statement) -> list[tuple[object, ...]]:
        """All rows of a statement.

        Raises:
            QuestionTooCostlyError: it took too long, or needed too much memory.
            BusyError: too many others are being answered.
            FilesGone: files that it reads are no more.
        """
        with self._cursor() as cursor:
            return list(cursor.execute(asked.sql, asked.values).fetchall())

    def write_parquet(self, asked: Statement, query: Query, path: Path) -> None:
        """Write the rows of a query's statement into a file; raises as `rows`."""
        names = [*query.dimensions, *query.metrics]
        places = [f"d{index}" for index in range(len(query.dimensions))]
        for index, name in enumerate(query.metrics):
            kind = METRICS[name].type
            scaled = {"integer": f"m{index}::BIGINT", "money": f"m{index} / 1000"}
            places.append(scaled.get(kind, f"m{index}"))
        columns = ", ".join(
            f"{place} AS {_identifier(name)}"
            for place, name in zip(places, names, strict=True)
        )
        with self._cursor() as cursor:
            found = cursor.sql(asked.sql, params=asked.values)
            found.project(columns).write_parquet(str(path), compression="zstd")

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        if not self._free.acquire(timeout=self._seconds):
            raise BusyError(
                "other questions are being answered", "ask again in a moment"
            )
        cursor = self._root.cursor()
        timer = threading.Timer(self._seconds, cursor.interrupt)
        timer.start()
        try:
            yield cursor
        except duckdb.InterruptException as error:
            raise QuestionTooCostlyError(
                f"the question was stopped after {self._seconds:g} s",
                "ask for fewer days, or give questions more by"
                " PAGE_TRACKER_QUERY_SECONDS",
            ) from error
        except duckdb.OutOfMemoryException as error:
            raise QuestionTooCostlyError(
                "the question needs more memory than questions have",
                "ask for fewer days or dimensions, or give them more by"
                " PAGE_TRACKER_QUERY_MEMORY",
            ) from error
        except duckdb.IOException as error:
            if "No such file" in str(error) or "No files found" in str(error):
                raise FilesGone(str(error)) from error
            raise
        finally:
            timer.cancel()
            timer.join()
            cursor.close()
            self._free.release()


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
