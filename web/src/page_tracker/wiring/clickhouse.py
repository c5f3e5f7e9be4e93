"""A ClickHouse that answers questions: loaded only where the settings name one."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from page_tracker.errors import SettingsError
from page_tracker.query.clickhouse.filled import Filled, fill
from page_tracker.query.clickhouse.tables import Place, ServerTables
from page_tracker.query.database import Database
from page_tracker.query.snapshot import Reading
from page_tracker.settings import Settings, is_in_bucket
from page_tracker.settings_parsing import ServerAddress
from page_tracker.store.pass_record import FillRecord
from page_tracker.wiring.lake import open_lake
from page_tracker.wiring.store import open_redis, open_streams

if TYPE_CHECKING:
    from page_tracker.query.clickhouse.database import Server

# How long one file may take to be put into a table, in seconds.
LONGEST_FILE = 3600


def open_clickhouse(settings: Settings, address: ServerAddress) -> Database:
    """The server that answers questions; connects with the first one.

    Raises SettingsError where its client is not installed.
    """
    server = _connected(address, settings.query_seconds)
    # pylint: disable-next=import-outside-toplevel # see there
    from page_tracker.query.clickhouse.database import ClickHouse

    tables = ServerTables(_place(settings, address))
    return ClickHouse(server, tables, settings.query_seconds)


def _connected(address: ServerAddress, longest: float) -> "Server":
    """A server; of statements that take so many seconds. Raises SettingsError."""
    try:
        # pylint: disable-next=import-outside-toplevel # it is an optional package
        from page_tracker.query.clickhouse.database import Server
    except ImportError as error:
        raise SettingsError(
            "PAGE_TRACKER_REPORTS needs the package clickhouse-connect",
            "install it: pip install 'page-tracker[clickhouse]'",
        ) from error
    return Server(address, longest)


def open_filling(settings: Settings) -> Callable[[], Filled]:
    """One pass of filling the server's own tables, as a call.

    Raises SettingsError where no server is named; the call FillError or LakeAwayError.
    """
    address = settings.reports
    if address is None:
        raise SettingsError(
            "no ClickHouse is named", "set PAGE_TRACKER_REPORTS=clickhouse://…"
        )
    server = _connected(address, LONGEST_FILE)
    reading, place = Reading(open_lake(settings)), _place(settings, address)
    return lambda: fill(server, place, reading.sources())


def open_kept_filling(settings: Settings) -> Callable[[], None]:
    """The same for a long-lived process: what it did is left in the store, for
    monitoring. The call raises RedisError too."""
    record, streams = FillRecord(open_redis(settings)), open_streams(settings)
    filling = open_filling(settings)

    def fill_and_note() -> None:
        with record.noting():
            rows = sum(stream.drained() for stream in streams)
            filling()
            record.has(rows)

    return fill_and_note


def _place(settings: Settings, address: ServerAddress) -> Place:
    """Where the server finds the lake."""
    if not is_in_bucket(settings):
        return Place(address.lake or settings.lake or str(settings.data / "lake"))
    name, _, prefix = (settings.lake or "").removeprefix("s3://").partition("/")
    usual = f"https://s3.{settings.s3_region}.amazonaws.com"
    endpoint = settings.s3_endpoint or usual
    where = address.lake or f"{endpoint.rstrip('/')}/{name}/{prefix}"
    return Place(where, settings.s3_key or "", settings.s3_secret or "")
