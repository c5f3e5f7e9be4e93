"""Bytes that a hit takes in the lake, all columns filled, after upkeep.

    python bench/size.py [--hits 1000000]

Hits of several days are committed as the writer does, one commit a second of a busy
site, then tidied until nothing is left to do. Beside it, in the same run: the same rows
as one Parquet file, as DuckDB writes it with the same compression.
"""

from __future__ import annotations

import argparse
import time
from datetime import timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from rows import Traffic

from page_tracker.lake.duckdb_connection import engine, rows_in
from page_tracker.lake.table import Lake, append, position
from page_tracker.schema import HITS
from page_tracker.upkeep.lake_upkeep import Upkeep

HITS_A_COMMIT = 5_000


def size(files: list[str]) -> int:
    return sum(Path(file).stat().st_size for file in files)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hits", type=int, default=1_000_000)
    number = parser.parse_args().hits
    hits = Traffic(visits_a_day=100_000).hits()
    with TemporaryDirectory(prefix="page-tracker-size-") as folder:
        lake = Lake(f"{folder}/lake", grace=timedelta(0))
        for _ in range(0, number, HITS_A_COMMIT):
            table = lake.snapshot("hits")
            rows = list(islice(hits, HITS_A_COMMIT))
            append(table, HITS, rows, "bench", position(table, "bench") + 1)
        written = size(lake.snapshot("hits").file_uris())
        upkeep = Upkeep(lake, quiet=0)
        for _ in range(2):
            upkeep.tidy(time.time() + 10 * 86_400)
        files = lake.snapshot("hits").file_uris()
        kept = size(files)
        with engine() as connection:
            rows_of_all = rows_in(connection, files)
            rows_of_all.write_parquet(f"{folder}/one.parquet", compression="zstd")
        plain = Path(f"{folder}/one.parquet").stat().st_size
        everything = sum(p.stat().st_size for p in Path(lake.uri).rglob("*.*"))
    print(f"as committed             {written / number:6.1f} bytes a hit")
    print(f"after upkeep             {kept / number:6.1f} bytes a hit")
    print(f"with log                 {everything / number:6.1f} bytes a hit")
    print(f"DuckDB's own Parquet     {plain / number:6.1f} bytes a hit")
    print(f"ratio                    {kept / plain:6.2f}")


if __name__ == "__main__":
    main()
