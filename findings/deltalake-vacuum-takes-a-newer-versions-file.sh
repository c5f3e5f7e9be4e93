#!/bin/sh
# A full vacuum of deltalake 1.6.6, without retention, goes by the version that its table
# was opened at. Where another process has appended or compacted since then, it takes the
# new version's file, and then commits as the version after that one, without a conflict.
# (After another process has deleted rows it is refused, and takes nothing.) So a lock
# that keeps writers away meanwhile is not enough: the table must be opened once it is
# held, not before.
#
# Seen: append: live files gone: 1, committed; compact: live files gone: 1, committed;
#       delete: live files gone: 0, refused
# Fails where that has changed.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  deltalake==1.6.6 duckdb==2.0.0
cd "$folder"

venv/bin/python - <<'PYTHON'
from pathlib import Path

import duckdb
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError


def write(name: str, first: int) -> None:
    """Append ten rows to the table."""
    rows = duckdb.sql(f"SELECT number FROM range({first}, {first + 10}) AS _(number)")
    write_deltalake(name, rows, mode="append")


BETWEEN = {
    "append": lambda name: write(name, 20),
    "compact": lambda name: DeltaTable(name).optimize.compact(),
    "delete": lambda name: DeltaTable(name).delete("number < 5"),
}
seen = []
for name, change in BETWEEN.items():
    write(name, 0)
    write(name, 10)
    opened = DeltaTable(name)
    change(name)
    try:
        opened.vacuum(
            retention_hours=0, dry_run=False, enforce_retention_duration=False, full=True
        )
        end = "committed"
    except CommitFailedError:
        end = "refused"
    live = [Path(name, Path(uri).name) for uri in DeltaTable(name).file_uris()]
    gone = sum(not file.exists() for file in live)
    seen.append(f"{name}: live files gone: {gone}, {end}")
print("; ".join(seen))
assert seen == [
    "append: live files gone: 1, committed",
    "compact: live files gone: 1, committed",
    "delete: live files gone: 0, refused",
]
PYTHON
