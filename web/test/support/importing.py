"""What the tests of imports share: imports into a lake of their own, and log lines."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from redis import Redis

from page_tracker.history.imported_rows import ImportedRows
from page_tracker.history.imports import Imports, Order, Outcome
from page_tracker.history.lines import Log
from page_tracker.history.register import Import, Register
from page_tracker.lake.table import Lake
from page_tracker.sites.site import Site
from page_tracker.store.counters import Live
from support.lake import ask

LOG = Path(__file__).parent.parent / "data" / "apache_combined.log.gz"
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/120.0.0.0 Safari/537.36"
)
BEGINNING = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)


@dataclass
class Told:
    """A watcher that remembers which imports were finished."""

    finished: list[str] = field(default_factory=list)

    def reads(self, log: Log) -> None:
        pass

    def writes(self, done: int, days: int) -> None:
        pass

    def finishes(self, entry: Import) -> None:
        self.finished.append(entry.id)


class History:
    """A data folder with a lake, one site, and a store that counts.

    Lake and register lie in the folder, or are given.
    """

    def __init__(
        self,
        folder: Path,
        redis: Redis,
        site: Site,
        lake: Lake | None = None,
        register: Register | None = None,
    ) -> None:
        self.folder = folder
        self.site = site
        self.lake = lake or Lake(str(folder / "lake"))
        self.live = Live(redis)
        self.told = Told()
        self.live_days: set[int] = set()
        self.imports = Imports(
            register or Register(folder / "imports"),
            ImportedRows(self.lake, lambda _, days: self.live_days.intersection(days)),
            self.live,
            self.told,
        )

    def run(self, *logs: Path | str, **order: Any) -> Outcome:
        what = Order(self.site, [str(log) for log in logs], **order)
        return self.imports.run(what, self.folder / "lookups", [self.site])

    def undo(self, import_id: str) -> None:
        self.imports.undo(import_id, [self.site], self.site.id)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The answer to SQL over the table `hits`."""
        return ask(self.lake, sql)

    def paths(self) -> list[str]:
        """The paths of all hits in the order of time."""
        return [
            path for (path,) in self.rows("SELECT path FROM hits ORDER BY time, path")
        ]

    def left_behind(self) -> list[str]:
        """What lies in the folder of imports beside the register."""
        found = (each.name for each in self.imports.register.folder.iterdir())
        return sorted(each for each in found if not each.endswith((".json", "lock")))


def line(path: str = "/", minute: int = 0, address: str = "192.0.2.1") -> str:
    """A page view in the combined format, some minutes after noon."""
    time = BEGINNING + timedelta(minutes=minute)
    return (
        f"{address} - - [{time:%d/%b/%Y:%H:%M:%S} +0000]"
        f' "GET {path} HTTP/1.1" 200 512 "-" "{AGENT}"\n'
    )


# A log, and the pages that were viewed.
LINES = [line(f"/{number}", number) for number in range(100)]
PATHS = [f"/{number}" for number in range(100)]


def write(path: Path, lines: Sequence[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), "utf-8")
    return path


def real_log() -> list[str]:
    with gzip.open(LOG, "rt", encoding="utf-8", newline="\n") as log:
        return log.readlines()
