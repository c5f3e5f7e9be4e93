#!/bin/sh
# DuckDB 2.0.0 reads one file of a file system in Python (fsspec) from several threads,
# also with `SET threads = 1`: each looks for its place and then reads, in two calls, and
# another thread may come between. Where the file lets others run while it looks, as
# obstore 0.12.1's does, most questions to a good Parquet file end in an error, even on
# the local disk; fsspec's own local files fail now and then. So files of a bucket are
# copied, and the copies read.
#
# Seen: obstore: 1 to 8 of 20 answered, else "Failed to read … bytes from Python file";
#       DuckDB's own files: 20 of 20
# Fails where that has changed.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  duckdb==2.0.0 obstore==0.12.1 fsspec==2026.9.0
cd "$folder"

venv/bin/python - <<'PYTHON'
from pathlib import Path

import duckdb
from obstore.fsspec import FsspecStore

path = Path("views.parquet").absolute()
duckdb.execute(
    f"COPY (SELECT number, '/page-' || number % 97 AS page"
    f" FROM range(300000) AS _(number)) TO '{path}'"
)
right = [(300_000, 44_999_850_000, 97)]


def answered(name: str, file_system: FsspecStore | None) -> int:
    """How many of 20 questions about the file were answered, rightly."""
    count = 0
    for _ in range(20):
        with duckdb.connect() as connection:
            connection.execute("SET threads = 1")
            if file_system is not None:
                connection.register_filesystem(file_system)
            try:
                found = connection.execute(
                    f"SELECT count(*), sum(number), count(DISTINCT page) FROM '{name}'"
                ).fetchall()
            except duckdb.Error as error:
                print(str(error).partition("\n")[0])
                continue
            assert found == right
            count += 1
    return count


by_obstore = answered(f"file://{path}", FsspecStore("file"))
by_duckdb = answered(str(path), None)
print(f"obstore: {by_obstore} of 20 answered; DuckDB's own files: {by_duckdb} of 20")
assert by_obstore < 20 and by_duckdb == 20
PYTHON
