"""What questions are asked with: whoever answers them, and the live counters."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from page_tracker.processes.answers import answering_for
from page_tracker.query.ask import Asking
from page_tracker.query.report import Report
from page_tracker.query.server_asking import ServerAsking
from page_tracker.settings import Settings
from page_tracker.store.counters import Live
from page_tracker.store.sites import Sites
from page_tracker.wiring.register import open_imported_days
from page_tracker.wiring.store import open_live, registry_of_folder

if TYPE_CHECKING:
    from page_tracker.query.lake_asking import LakeAsking


def open_asking(settings: Settings) -> Asking:
    """The process that answers beside the folder's server, else this one.

    Nothing is read before the first question. Raises SettingsError.
    """
    if path := answering_for(settings):
        here = cache(partial(_open_here, settings))
        imported = open_imported_days(settings)
        return ServerAsking(path, settings.query_seconds, here, imported)
    return _open_here(settings)


def _open_here(settings: Settings) -> "LakeAsking":
    # pylint: disable-next=import-outside-toplevel # DuckDB and Delta are 30 MB
    from page_tracker.wiring.lake_asking import open_lake_asking

    return open_lake_asking(settings)


class Asker(msgspec.Struct, frozen=True):
    """What a command asks with: the sites, who answers, and the live counters."""

    sites: Sites
    asking: Asking
    live: Live
    settings: Settings

    def write_parquet(self, report: Report, path: Path) -> None:
        """Write a report's rows into a file, by DuckDB here. Raises OutputError."""
        _open_here(self.settings).write_parquet(report, path)


@contextmanager
def asker_of_folder(settings: Settings) -> Iterator[Asker]:
    """Open what `page-tracker query` needs. Raises as `store_of_folder`."""
    with registry_of_folder(settings) as registry:
        live = open_live(settings, registry.redis)
        yield Asker(Sites(registry), open_asking(settings), live, settings)
