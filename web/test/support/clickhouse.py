"""A ClickHouse of a test's own; see clickhouse_engine.py for what it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from page_tracker.query.clickhouse.database import ClickHouse, Server
from page_tracker.query.clickhouse.tables import Place, ServerTables
from page_tracker.query.database import Database
from page_tracker.settings_parsing import parse_clickhouse

USER, PASSWORD = "reader", "a-password-of-tests"
ENGINE = Path(__file__).with_name("clickhouse_engine.py")


@contextmanager
def clickhouse(folder: Path) -> Iterator[int]:
    """One that keeps its own tables in a folder; the port that it listens at.

    Its own time zone is one that nobody asks in.
    """
    command = [sys.executable, str(ENGINE), str(folder), USER, PASSWORD]
    elsewhere = {**os.environ, "TZ": "Pacific/Apia"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=elsewhere
    ) as process:
        try:
            assert process.stdout
            yield int(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGKILL)


def database(at: int, folder: Path, seconds: float = 600, **changes: Any) -> Database:
    """The server at a port, which finds the lake in a folder; a question may take so
    many seconds: on a busy machine a small one has taken thirty."""
    address = parse_clickhouse(f"clickhouse://{USER}:{PASSWORD}@127.0.0.1:{at}")
    server = Server(replace(address, **changes), seconds)
    return ClickHouse(server, ServerTables(Place(str(folder))), seconds)
