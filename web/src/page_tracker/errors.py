"""The one tree of Page Tracker's own exceptions.

Each says what was wrong and where, and what to do instead; the command line prints
it on one line and ends with its exit code.
"""


class PageTrackerError(Exception):
    """A failure that a person can do something about."""

    exit_code = 1

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.problem = problem
        self.remedy = remedy


class SettingsError(PageTrackerError):
    """A setting has a value that means nothing."""

    exit_code = 2


class DataFolderError(PageTrackerError):
    """The data folder cannot be made or written."""


class DataFolderInUseError(DataFolderError):
    """Another process serves the data folder."""


class AddressError(PageTrackerError):
    """The address to listen at cannot be had."""


class ProcessError(PageTrackerError):
    """A process of the server does not start."""


class RedisUnavailableError(PageTrackerError):
    """Redis does not answer, or does not let us in."""
