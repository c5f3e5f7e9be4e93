"""A server that counts, and what of a website is in its lake."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from page_tracker.lake.table import Lake
from support.lake import ask
from support.processes import Running, command, serving, wait_until

SITE = "app.example"
BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)
COLUMNS = (
    *("name", "path", "visitor", "language", "browser", "referrer", "utm_source"),
    *("props", "revenue", "currency", "interaction"),
)

Row = dict[str, Any]


@dataclass
class Counted:
    """A running server; rows are told by the host of the page that they are of."""

    server: Running
    data: Path
    lake: Lake

    @property
    def url(self) -> str:
        return self.server.url

    def rows(self, host: str, number: int) -> list[Row]:
        """All rows of a host in their order, once there are so many."""
        wait_until(lambda: len(self._rows(host)) >= number, lambda: self._rows(host))
        return self._rows(host)

    def paths(self, host: str, number: int) -> list[str]:
        return [row["path"] for row in self.rows(host, number)]

    def _rows(self, host: str) -> list[Row]:
        if not self.lake.snapshot("hits").file_uris():
            return []
        columns = ", ".join(COLUMNS)
        query = f"SELECT {columns} FROM hits WHERE hostname = '{host}' ORDER BY time"
        return [dict(zip(COLUMNS, row)) for row in ask(self.lake, query)]


@contextmanager
def counted_by(data: Path, **environment: str) -> Iterator[Counted]:
    """`page-tracker serve` with a site, over a folder."""
    command("site", "add", SITE, "--data", str(data))
    with serving(data, "--workers", "1", **environment) as server:
        yield Counted(server, data, Lake(str(data / "lake")))
