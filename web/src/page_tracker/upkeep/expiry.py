"""Deletes what a site no longer keeps from the lake."""

from __future__ import annotations

from datetime import date

from deltalake import DeltaTable

from page_tracker.days import day_number
from page_tracker.lake.commit_retries import repeated
from page_tracker.lake.duckdb_connection import engine, rows_in
from page_tracker.lake.table import PARQUET, Lake, quoted, touching


def expire(lake: Lake, name: str, site: str, first: date) -> None:
    """Delete a site's rows from the days before `first`; raises as `repeated`."""

    def step() -> None:
        with lake.using(name) as table:
            _delete(lake, table, site, first)

    repeated(step)


def _delete(lake: Lake, table: DeltaTable, site: str, first: date) -> None:
    condition = (
        f"month <= '{first:%Y-%m}' AND day < DATE '{first}' AND site = {quoted(site)}"
    )
    files = lake.paths(table, f"day < DATE '{first}'")
    if not files:
        return
    with engine() as connection:
        rows = rows_in(connection, files).filter(condition)
        days = [day_number(day) for (day,) in rows.project("day").distinct().fetchall()]
    if days:
        table.delete(
            condition,
            writer_properties=PARQUET,
            commit_properties=touching(table, days),
        )
