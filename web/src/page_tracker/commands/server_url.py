"""Where browsers reach the server, as far as a command can know."""

from page_tracker.processes.folder import holder
from page_tracker.settings import Settings


def reached_at(settings: Settings) -> str:
    """The server's address without a final slash.

    That is PAGE_TRACKER_URL, else where the data folder's server listens or was last
    reached, else where one would listen.
    """
    return settings.url or _running_at(settings) or _would_run_at(settings)


def _running_at(settings: Settings) -> str:
    """Where the data folder's server was last reached; empty if none has run."""
    who = holder(settings.data)
    return who.web_url if who else ""


def _would_run_at(settings: Settings) -> str:
    anywhere = ("0.0.0.0", "::")  # nosec B104 # compared, not bound
    host = "127.0.0.1" if settings.host in anywhere else settings.host
    return f"http://{host}:{settings.port}"
