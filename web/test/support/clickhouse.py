"""A ClickHouse of a test's own; see clickhouse_engine.py for what it is."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USER, PASSWORD = "reader", "a-password-of-tests"
ENGINE = Path(__file__).with_name("clickhouse_engine.py")


@contextmanager
def clickhouse(folder: Path) -> Iterator[int]:
    """One that keeps its own tables in a folder; the port that it listens at."""
    command = [sys.executable, str(ENGINE), str(folder), USER, PASSWORD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield int(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGKILL)
