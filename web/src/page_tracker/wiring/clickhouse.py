"""A ClickHouse that answers questions: loaded only where the settings name one."""

from page_tracker.errors import SettingsError
from page_tracker.query.clickhouse.tables import Place, ServerTables
from page_tracker.query.database import Database
from page_tracker.settings import Settings, is_in_bucket
from page_tracker.settings_parsing import ServerAddress


def open_clickhouse(settings: Settings, address: ServerAddress) -> Database:
    """The server that answers questions; connects with the first one.

    Raises SettingsError where its client is not installed.
    """
    try:
        # pylint: disable-next=import-outside-toplevel # it is an optional package
        from page_tracker.query.clickhouse.database import ClickHouse, Server
    except ImportError as error:
        raise SettingsError(
            "PAGE_TRACKER_REPORTS needs the package clickhouse-connect",
            "install it: pip install 'page-tracker[clickhouse]'",
        ) from error
    tables = ServerTables(_place(settings, address))
    server = Server(address, settings.query_seconds)
    return ClickHouse(server, tables, settings.query_seconds)


def _place(settings: Settings, address: ServerAddress) -> Place:
    """Where the server finds the lake."""
    if not is_in_bucket(settings):
        return Place(address.lake or settings.lake or str(settings.data / "lake"))
    name, _, prefix = (settings.lake or "").removeprefix("s3://").partition("/")
    usual = f"https://s3.{settings.s3_region}.amazonaws.com"
    endpoint = settings.s3_endpoint or usual
    where = address.lake or f"{endpoint.rstrip('/')}/{name}/{prefix}"
    return Place(where, settings.s3_key or "", settings.s3_secret or "")
