"""ClickHouse (chdb) in a process of its own: a MergeTree table of a lake's raw rows."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from chdb.session import Session

from page_tracker.lake.table import Lake

# What a tracker sends, in the types that ClickHouse is quickest with.
COLUMNS = {
    "time": ("DateTime64(3, 'UTC')", "time"),
    "day": ("Date", "day"),
    "site": ("LowCardinality(String)", "site"),
    "name": ("LowCardinality(String)", "name"),
    "hostname": ("LowCardinality(String)", "hostname"),
    "path": ("LowCardinality(String)", "path"),
    "title": ("LowCardinality(String)", "title"),
    "visitor": ("UInt64", "toUInt64(toUInt32(visitor)) + toUInt16(day) * 4294967296"),
    "visit": ("UInt64", "toUInt64(toUInt32(visit)) + toUInt16(day) * 4294967296"),
    "interactive": ("Bool", "interaction > 0"),
    **{
        name: ("LowCardinality(String)", name)
        for name in (
            *("referrer", "source", "channel", "utm_source", "utm_medium"),
            *("utm_campaign", "utm_content", "utm_term", "country", "region", "city"),
            *("device", "browser", "browser_version", "os", "os_version", "screen"),
            *("language", "currency"),
        )
    },
    "engaged": ("Nullable(Int32)", "engaged"),
    "scroll": ("Nullable(Int32)", "scroll"),
    "revenue": ("Nullable(Int64)", "revenue"),
}

CLOCK = "how long?"  # asked in place of a statement


class ColumnStore:
    """Answers SQL over the table `hits`."""

    def __init__(self, asking: Connection) -> None:
        self._asking = asking

    def processor_seconds(self) -> float:
        """What its process has taken so far."""
        self._asking.send(CLOCK)
        return float(self._asking.recv())

    def rows(self, sql: str) -> list[list[Any]]:
        """The rows of a statement; raises what ClickHouse says is wrong."""
        self._asking.send(sql)
        answered = self._asking.recv()
        if isinstance(answered, Exception):
            raise answered
        return list(json.loads(answered)["data"])


@contextmanager
def column_store(folder: Path, lake: Lake) -> Iterator[ColumnStore]:
    """A store in a folder; filled with the lake's rows where the folder has none."""
    asking, answering = get_context("spawn").Pipe()
    files = lake.snapshot("hits").file_uris()
    process = get_context("spawn").Process(
        target=_answer, args=(answering, folder, files), daemon=True
    )
    process.start()
    try:
        yield ColumnStore(asking)
    finally:
        asking.send(None)
        process.join()


def _answer(answering: Connection, folder: Path, files: list[str]) -> None:
    """Answer statements until there is none."""
    session = Session(str(folder / "clickhouse"))
    loaded = folder / "loaded"
    if not loaded.exists():
        _load(session, files)
        loaded.touch()
    session.query("SET output_format_json_quote_64bit_integers = 0", "Null")
    while sql := answering.recv():
        if sql == CLOCK:
            answering.send(time.process_time())
            continue
        try:
            answering.send(str(session.query(sql, "JSONCompact")))
        except RuntimeError as error:
            answering.send(error)
    session.close()


def _load(session: Session, files: list[str]) -> None:
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
    session.query("DROP TABLE IF EXISTS hits", "Null")
    session.query(
        f"CREATE TABLE hits ({columns}) ENGINE = MergeTree"
        " PARTITION BY toYYYYMM(day) ORDER BY (site, day, visit, time)",
        "Null",
    )
    values = ", ".join(value for _, value in COLUMNS.values())
    for file in files:
        session.query(
            f"INSERT INTO hits SELECT {values} FROM file('{file}', Parquet)", "Null"
        )
    session.query("OPTIMIZE TABLE hits FINAL", "Null")
