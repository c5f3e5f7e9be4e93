"""The logs that people send from the pages."""

from page_tracker.history.sent_log import SentLogs
from page_tracker.settings import Settings


def open_sent_logs(settings: Settings) -> SentLogs:
    """Open those that were sent to a data folder."""
    longest = settings.longest_log * 1_000_000
    return SentLogs(settings.data / "imports" / "sent", longest)
