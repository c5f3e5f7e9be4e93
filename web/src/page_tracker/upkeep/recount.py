"""Live counters get what the lake has and they lack.

    origins of the store, register of imports, lake → a site's views by import, and by
    earlier stores → replace what was counted → note what they were made from

A store counts hits under its present origin. One that was emptied, replaced or restored
has a new origin: what its counters lack are the lake's rows of all other origins. Those
of an import are counted as that import, the rest as earlier stores'. Each count
replaces the previous one, so that counting again changes nothing.
"""

from __future__ import annotations

import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from page_tracker.days import date_of, day_number, utc_day
from page_tracker.history.register import Import, Register
from page_tracker.lake.duckdb_connection import engine, rows_in
from page_tracker.lake.table import Lake, quoted
from page_tracker.origins import ORIGIN_OF_ROW, rows_of_none
from page_tracker.sites.site import Site
from page_tracker.store.counters import EARLIER, Live
from page_tracker.store.registry import Registry
from page_tracker.store.stream import Stream
from page_tracker.upkeep.day_sums import COLUMNS, DAYS_COUNTED, day_sums

# A few numbers show whether there is work; a closer look is taken this often.
LOOK_CLOSELY = 60.0  # seconds


class Recount:
    """Recounts the sites of a lake. Any number may run."""

    def __init__(
        self,
        lake: Lake,
        register: Register,
        live: Live,
        streams: Sequence[Stream],
        registry: Registry,
    ) -> None:
        self._lake = lake
        self._register = register
        self._live = live
        self._streams = streams
        self._registry = registry
        self._settled: tuple[object, ...] | None = None
        self._looked = 0.0

    def catch_up(self) -> None:
        """Recount the sites that were counted from another store, or never.

        Raises RedisError, DeltaError or OSError if Redis or the lake is away.
        """
        self.look(self._recount_all)

    def look(self, recount: Callable[[], None]) -> None:
        """Call `recount` if sites are behind. Also raises what it raises."""
        if self._registry.is_emptied():
            self._registry.mend()
        origins = self._origins()
        is_trusted = time.monotonic() - self._looked < LOOK_CLOSELY
        if is_trusted and self._settled == self._numbers(origins):
            return
        if self._behind():
            recount()
        self._settled, self._looked = self._numbers(origins), time.monotonic()

    def _recount_all(self) -> None:
        for site in self._behind():
            self.recount(site)

    def _behind(self) -> list[Site]:
        known, mark = self._live.recounted(), _mark(self._origins())
        sites = self._registry.sites.read().entries.values()
        return [site for site in sites if known.get(site.id) != mark]

    def recount(self, site: Site) -> dict[str, int]:
        """Recount a site; returns the page views of each of its imports that counts.

        Raises as `catch_up`.
        """
        while True:
            origins = self._origins()
            begun = f"{_mark(origins)} {secrets.token_hex(8)}"
            self._live.begin_recount(site.id, begun)
            imports = self._imports(site.id)
            found = self._views(site.id, origins, imports)
            self._put(site, found, imports)
            self._put_today(site.id, {*origins, *(each.origin for each in imports)})
            # Meanwhile an import, or another recount, may have begun or ended.
            if self._imports(site.id) == imports and self._live.end_recount(
                site.id, begun, _mark(origins)
            ):
                return {name: sum(views.values()) for name, views in found.items()}

    def _origins(self) -> list[int]:
        return [stream.origin() for stream in self._streams]

    def _numbers(self, origins: Sequence[int]) -> tuple[object, ...]:
        """What changes whenever a recount becomes necessary; cheap to read."""
        return (*origins, self._registry.sites.version(), self._live.recounts())

    def _imports(self, site: str) -> list[Import]:
        return [each for each in self._register.all() if each.site == site]

    def _views(
        self, site: str, origins: Iterable[int], imports: Sequence[Import]
    ) -> dict[str, dict[str, int]]:
        """Page views by path, of each finished import and of earlier stores."""
        names = {each.origin: each.id for each in imports if each.state == "done"}
        pending = {each.origin for each in imports if each.origin not in names}
        found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        found.update({name: defaultdict(int) for name in names.values()})
        for origin, path, number in self._ask(
            site,
            f"SELECT {ORIGIN_OF_ROW}, path, count(*) FROM hits"
            f" WHERE view > 0 AND {rows_of_none(pending.union(origins))} GROUP BY ALL",
        ):
            found[names.get(origin, EARLIER)][path] += number
        return found

    def _put(
        self, site: Site, found: Mapping[str, Mapping[str, int]], imports: list[Import]
    ) -> None:
        counted = set(self._live.imports(site.id))
        for name, views in found.items():
            if views:
                self._live.put_import(site.id, name, views, site.max_pages)
        # An import in progress sets its own views.
        writing = {each.id for each in imports if each.state == "writing"}
        for name in (
            counted - writing - {name for name, views in found.items() if views}
        ):
            self._live.remove_import(site.id, name)

    def _put_today(self, site: str, origins: Iterable[int]) -> None:
        """Set the sums that earlier stores have counted for the last days."""
        today = utc_day(time.time())
        days = range(today - DAYS_COUNTED, today + 2)
        rows = self._ask(
            site,
            f"SELECT day, {COLUMNS} FROM hits"
            f" WHERE day >= DATE '{date_of(days[0])}' AND {rows_of_none(origins)}"
            " GROUP BY day",
        )
        sums = {day_number(row[0]): day_sums(row[1:]) for row in rows}
        for day in days:
            self._live.put_earlier_today(site, day, sums.get(day, {}))

    def _ask(self, site: str, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query on the site's part of `hits`. Raises OSError."""
        of_site = f"site = {quoted(site)}"
        with self._lake.using("hits") as hits, engine() as connection:
            if not (files := self._lake.paths(hits, of_site)):
                return []
            rows_in(connection, files).filter(of_site).create_view("hits")
            return connection.sql(query).fetchall()


def _mark(origins: Iterable[int]) -> str:
    return ",".join(map(str, origins))
