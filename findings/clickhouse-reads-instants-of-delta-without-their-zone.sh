#!/bin/sh
# A Delta table's `timestamp` is an instant: microseconds since 1970 in UTC, as the
# format's specification says. ClickHouse (26.9.2, in chdb 4.4.0) reads it by
# `deltaLakeLocal` as a DateTime64 without a zone: what is compared with it, and its hours
# and days, follow the zone of whoever asks. The same Parquet file read by `file` has the
# zone. So questions to ClickHouse are asked with session_timezone = 'UTC'.
#
# Seen: is 2026-11-03 00:30 UTC on or after 2026-11-03 00:00? asked from New York:
#       deltaLakeLocal: DateTime64(6), 0; file: DateTime64(6, 'UTC'), 1
# Fails where that has changed.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  chdb==4.4.0 deltalake==1.6.6 duckdb==2.0.0
cd "$folder"

venv/bin/python - <<'PYTHON'
from pathlib import Path

import chdb
import duckdb
from deltalake import write_deltalake

table = Path("hits").absolute()
rows = duckdb.sql("SELECT TIMESTAMPTZ '2026-11-03 00:30:00+00' AS time")
write_deltalake(table, rows)
connection = chdb.connect(f":memory:?user_files_path={table.parent}")


def asked(source: str) -> str:
    """The column's type, and whether its one instant is of the day or later."""
    return str(
        connection.query(
            "SELECT toTypeName(assumeNotNull(time)), time >= '2026-11-03 00:00:00'"
            f" FROM {source} SETTINGS session_timezone = 'America/New_York'",
            "TSV",
        )
    ).strip()


by_delta = asked(f"deltaLakeLocal('{table}')")
by_file = asked(f"file('{table}/*.parquet')")
print(f"deltaLakeLocal: {by_delta}; file: {by_file}")
assert by_delta == "DateTime64(6)\t0"
assert by_file == "DateTime64(6, \\'UTC\\')\t1"
PYTHON
