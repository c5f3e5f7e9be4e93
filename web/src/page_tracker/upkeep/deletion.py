"""Deleting hits for good: by site, by page, by days, or by all of these at once.

    store: open visits end (store/store_deletion.py) → what was set aside is replayed
      → writer: what is queued goes to the lake → lake, day by day: rows deleted, the
      visits that they leave are renumbered, one commit → counters lowered
      → the tables of days that counted them rebuilt
      → imports and earlier stores recounted → files, orphans and log cleaned
      → append-only file rewritten

Wherever it is killed, running the same deletion again finishes it: each step does
nothing if nothing is left to do. What a day's commit takes off the store's own counters
is noted in the store before it, and taken off after it.

The texts in its queries come from `Selection`, which quotes them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from deltalake import DeltaTable, write_deltalake

from page_tracker.days import date_of, day_number
from page_tracker.lake.closed_days import OF_CLOSED_DAYS
from page_tracker.lake.commit_retries import repeated
from page_tracker.lake.duckdb_connection import engine, rows_in
from page_tracker.lake.table import PARQUET, TABLES, Lake, persist, quoted, touching
from page_tracker.lake.vacuum import clean_at_once
from page_tracker.origins import rows_of_any
from page_tracker.plural import counted
from page_tracker.store.store_deletion import StoreDeletion
from page_tracker.store.stream import Aside
from page_tracker.upkeep.day_sums import COLUMNS, DAYS_COUNTED, day_sums
from page_tracker.upkeep.day_tables import close
from page_tracker.writer.writer import Writer

if TYPE_CHECKING:
    import duckdb


class Selection(msgspec.Struct, frozen=True):
    """Which hits: of a site, of one page, of the days from `first` to `last`."""

    site: str
    path: str | None = None
    first: int | None = None
    last: int | None = None

    def condition(self) -> str:
        """The rows of `hits`, as an SQL condition."""
        parts = [f"site = {quoted(self.site)}", *self._days()]
        if self.path is not None:
            parts.append(f"path = {quoted(self.path)}")
        return " AND ".join(parts)

    def of_drops(self) -> str | None:
        """The rows of `drops`: none if the selection is a page."""
        if self.path is not None:
            return None
        return " AND ".join([f"site = {quoted(self.site)}", *self._days()])

    def has_day(self, day: int) -> bool:
        return (self.first is None or day >= self.first) and (
            self.last is None or day <= self.last
        )

    def _days(self) -> Iterator[str]:
        if self.first is not None:
            yield f"day >= DATE '{date_of(self.first)}'"
        if self.last is not None:
            yield f"day <= DATE '{date_of(self.last)}'"


# A visit without its deleted hits: the rest is numbered as if there had been no
# others. Its visitor, source and place stay the same.
RENUMBERED = """
SELECT left_over.* EXCLUDE (
    counted, views, interactions, ms, first_ms, last_ms, first_path, first_host,
    last_path, last_host
) REPLACE (
    CASE WHEN step > 0 THEN counted ELSE 0 END::INTEGER AS step,
    CASE WHEN view > 0 THEN views ELSE 0 END::INTEGER AS view,
    CASE WHEN interaction > 0 THEN interactions ELSE 0 END::INTEGER AS interaction,
    CASE WHEN step > 0 THEN coalesce(ms - last_ms, 0) ELSE 0 END::INTEGER AS since,
    (ms - first_ms)::INTEGER AS elapsed,
    row_number() OVER (PARTITION BY day, visitor ORDER BY {order}) = 1 AS arrival,
    CASE WHEN view > 0 AND views > 1 THEN last_path ELSE '' END AS previous,
    CASE WHEN view > 0 AND views > 1 THEN last_host ELSE '' END AS previous_hostname,
    first_path AS entry_path,
    first_host AS entry_hostname
)
FROM (
    SELECT *,
        count(*) FILTER (step > 0) OVER so_far AS counted,
        count(*) FILTER (view > 0) OVER so_far AS views,
        count(*) FILTER (interaction > 0) OVER so_far AS interactions,
        epoch_ms(time) AS ms,
        first_value(CASE WHEN step > 0 THEN epoch_ms(time) END IGNORE NULLS) OVER so_far
            AS first_ms,
        first_value(CASE WHEN step > 0 THEN path END IGNORE NULLS) OVER so_far
            AS first_path,
        first_value(CASE WHEN step > 0 THEN hostname END IGNORE NULLS) OVER so_far
            AS first_host,
        max(CASE WHEN step > 0 THEN epoch_ms(time) END) OVER before AS last_ms,
        last_value(CASE WHEN view > 0 THEN path END IGNORE NULLS) OVER before
            AS last_path,
        last_value(CASE WHEN view > 0 THEN hostname END IGNORE NULLS) OVER before
            AS last_host
    FROM touched
    WHERE NOT ({condition})
    WINDOW so_far AS (
        PARTITION BY day, visit ORDER BY {order} ROWS UNBOUNDED PRECEDING
    ), before AS (
        PARTITION BY day, visit ORDER BY {order}
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
    QUALIFY counted > 0
) AS left_over
"""
ORDER = "time, step = 0, step"


class Deletion:
    """One deletion from a lake and the store before it.

    Every step raises DeltaError, OSError or RedisError if lake or store is away, the
    last one LogNotRewrittenError: then running the same deletion again finishes it.
    """

    def __init__(
        self,
        selection: Selection,
        lake: Lake,
        writers: Sequence[Writer],
        store: StoreDeletion,
        recount: Callable[[], object],
    ) -> None:
        """`recount` counts the lake's hits of the site's imports, and the like."""
        self.selection = selection
        self.lake = lake
        self._writers = writers
        self._store = store
        self._recount = recount

    def count(self) -> int:
        """How many hits in the lake there are to delete; deletes none."""
        query = f"SELECT count(*) FROM hits WHERE {self._condition}"
        found = self._ask(query)
        return int(found[0][0]) if found else 0

    def run(
        self, newest_day: int, say: Callable[[str], None] = lambda line: None
    ) -> int:
        """Delete; returns how many hits were deleted.

        `newest_day` is the last one that can be today for any site.
        """
        self._clear_store(newest_day)
        return self.finish(newest_day, say)

    def finish(
        self, newest_day: int, say: Callable[[str], None] = lambda line: None
    ) -> int:
        """The steps after the store's visits and sums are cleared; as `run`."""
        say("bringing what waits into the lake")
        self.drain()
        self._settle_notes()
        deleted = 0
        for day, number in self._days():
            say(f"{date_of(day)}: {counted(number, 'hit')}")
            self._delete_day(day, newest_day)
            deleted += number
        say("removing it from the files")
        self._close_again()
        self._delete_drops()
        self._recount()
        for name in TABLES:
            clean_at_once(self.lake, name)
        self._store.rewrite_log()
        return deleted

    @property
    def _condition(self) -> str:
        return self.selection.condition()

    def _ask(self, query: str, name: str = "hits") -> list[tuple[Any, ...]]:
        """Rows of a query on the site's part of a table; none if that is empty."""
        with self.lake.using(name) as table:
            return self._ask_of(table, name, query)

    def _ask_of(
        self, table: DeltaTable, name: str, query: str
    ) -> list[tuple[Any, ...]]:
        pruned = f"site = {quoted(self.selection.site)}"
        if not (files := self.lake.paths(table, pruned)):
            return []
        with engine() as connection:
            rows_in(connection, files).create_view(name)
            return connection.sql(query).fetchall()

    # The store --------------------------------------------------------------------

    def _clear_store(self, newest_day: int) -> None:
        chosen, store = self.selection, self._store
        if chosen.path is None:
            last = newest_day if chosen.last is None else chosen.last
            store.remove_days(chosen.site, chosen.first or 0, last)
        else:
            store.end_visits(chosen.site)

    def drain(self) -> None:
        """Move all that is queued by now into the lake, and what was set aside."""
        for writer in self._writers:
            for aside in self._asides(writer):
                writer.stream.replay(aside.id)
            last = writer.stream.last()
            while (first := writer.stream.first()) is not None and first <= last:
                writer.round()
            # Nobody can read these: any of them may be the site's.
            for aside in self._asides(writer):
                writer.stream.forget(aside.id)

    def _asides(self, writer: Writer) -> list[Aside]:
        aside = writer.stream.aside()
        return [each for each in aside if self.selection.site in each.sites]

    # Counters ---------------------------------------------------------------------

    def _settle_notes(self) -> None:
        """Take off the counters what an interrupted deletion had deleted."""
        for day, note in self._store.notes(self.selection.site).items():
            what = json.loads(note)
            left = self._ask(
                f"SELECT 1 FROM hits WHERE ({what['condition']})"  # nosec: our own
                f" AND day = DATE '{date_of(day)}' LIMIT 1"
            )
            self._lower(day, {} if left else what)

    def _lower(self, day: int, what: Mapping[str, Any]) -> None:
        # Forgotten first: if killed in between, counters are too high, never too low.
        if self._store.forget_note(self.selection.site, day) and what:
            self._store.lower_pages(self.selection.site, what["pages"])
            self._store.lower_today(self.selection.site, day, what["sums"])

    # The lake ---------------------------------------------------------------------

    def _days(self) -> list[tuple[int, int]]:
        """The days that have hits to delete, and how many."""
        found = self._ask(
            "SELECT day, count(*) FROM hits WHERE "
            f"{self._condition} GROUP BY day ORDER BY day"
        )
        return [(day_number(day), number) for day, number in found]

    def _delete_day(self, day: int, newest_day: int) -> None:
        """Delete a day's hits and renumber the visits that remain; one commit."""

        def step() -> Mapping[str, Any]:
            with self.lake.alone("hits") as table:
                return self._rewrite_day(table, day, newest_day)

        self._lower(day, repeated(step))

    def _rewrite_day(
        self, table: DeltaTable, day: int, newest_day: int
    ) -> Mapping[str, Any]:
        when = date_of(day)
        where = f"month = '{when:%Y-%m}' AND day = DATE '{when}'"
        where += f" AND site = {quoted(self.selection.site)}"
        files = self.lake.paths(table, where)
        with engine() as connection:
            rows_in(connection, files).filter(where).create_view("day_rows")
            visitors = f"SELECT visitor FROM day_rows WHERE {self._condition}"
            connection.sql(
                f"SELECT * FROM day_rows WHERE visitor IN ({visitors})"
            ).create_view("touched")
            renumbered = RENUMBERED.format(condition=self._condition, order=ORDER)
            connection.sql(renumbered).create_view("renumbered")
            what = self._taken_off(connection, day, newest_day)
            self._store.note(self.selection.site, day, json.dumps(what))
            left = connection.sql(
                "SELECT * FROM day_rows"
                f" WHERE visitor NOT IN ({visitors})"
                " UNION ALL BY NAME SELECT * FROM renumbered ORDER BY visit, time"
            )
            write_deltalake(
                table,
                left,
                mode="overwrite",
                predicate=where,
                writer_properties=PARQUET,
                commit_properties=touching(table, [day]),
            )
        persist(table)
        return what

    def _taken_off(
        self, connection: duckdb.DuckDBPyConnection, day: int, newest_day: int
    ) -> Mapping[str, Any]:
        """What the day's commit takes off the counters of the store's own hits."""
        sums = {}
        is_own = rows_of_any(writer.stream.origin() for writer in self._writers)
        found = connection.sql(
            "SELECT path, count(*) FROM day_rows"
            f" WHERE {self._condition} AND view > 0 AND {is_own} GROUP BY path"
        )
        pages = dict(found.fetchall())
        if day >= newest_day - DAYS_COUNTED:
            before, after = (
                connection.sql(
                    f"SELECT {COLUMNS} FROM {name} WHERE {is_own}"
                ).fetchall()
                for name in ("touched", "renumbered")
            )
            sums = day_sums([b - a for b, a in zip(before[0], after[0], strict=True)])
        return {"condition": self._condition, "pages": pages, "sums": sums}

    def _close_again(self) -> None:
        """Rebuild the day tables that counted what was deleted."""
        close(self.lake, self._tabled_days())

    def _tabled_days(self) -> list[int]:
        """The days of the selection whose tables include the site."""
        found = {day for name in OF_CLOSED_DAYS for day in self._days_in(name)}
        return sorted(day for day in found if self.selection.has_day(day))

    def _days_in(self, name: str) -> list[int]:
        """The days for which a table of closed days has the site."""
        # Who is just closing one may not know yet that its hits are gone.
        with self.lake.alone(name) as closed:
            found = self._ask_of(
                closed,
                name,
                f"SELECT DISTINCT day FROM {name}"  # nosec: quoted
                f" WHERE site = {quoted(self.selection.site)}",
            )
        return [day_number(day) for (day,) in found]

    def _delete_drops(self) -> None:
        if condition := self.selection.of_drops():
            repeated(partial(_delete_rows, self.lake, "drops", condition))


def _delete_rows(lake: Lake, name: str, condition: str) -> None:
    with lake.alone(name) as table:
        if table.file_uris(file_pruning_predicate=condition):
            table.delete(condition, writer_properties=PARQUET)
