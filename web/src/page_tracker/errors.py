"""The one tree of Page Tracker's own exceptions.

Each tells what was wrong and where, and what to do; the command line prints it on one
line and ends with its exit code.
"""


class PageTrackerError(Exception):
    """A failure that a person can do something about."""

    exit_code = 1

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.problem = problem
        self.remedy = remedy


class StoppedError(PageTrackerError):
    """Somebody has pressed Ctrl-C."""

    exit_code = 130  # as in shells

    def __init__(self) -> None:
        super().__init__("stopped", "the same command once more goes on")


class InvalidValueError(ValueError):
    """An invalid value: what is wrong with it, and what to write.

    The caller, who knows where the value comes from, makes a PageTrackerError of it.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}: {remedy}")
        self.problem = problem
        self.remedy = remedy


class SettingsError(PageTrackerError):
    """A setting has an invalid value."""

    exit_code = 2


class FlagsError(PageTrackerError):
    """The file of flags cannot be used."""


class DataFolderError(PageTrackerError):
    """The data folder cannot be created or written."""


class NoDataFolderError(DataFolderError):
    """There is no data folder where one is to be read."""


class DataFolderInUseError(DataFolderError):
    """Another process serves the data folder."""


class AddressError(PageTrackerError):
    """The server cannot listen at its address."""


class ProcessError(PageTrackerError):
    """A process of the server fails, or does not start."""


class RedisUnavailableError(PageTrackerError):
    """Redis does not answer, or refuses us."""


class SiteError(PageTrackerError):
    """A setting of a site, `field`, has an invalid value."""

    exit_code = 2

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(f"{field}: {problem}", remedy)
        self.field = field


class SiteExistsError(SiteError):
    """A domain or host already belongs to a site."""


class UnknownSiteError(PageTrackerError):
    """There is no such site."""


class UnknownTokenError(PageTrackerError):
    """There is no such token."""


class MirrorError(PageTrackerError):
    """The copy of sites and tokens beside the lake cannot be read or written."""


class UpdateError(PageTrackerError):
    """Newer lookup data could not be fetched, or is invalid."""


class AccessError(PageTrackerError):
    """A token cannot be created as requested; `field` is what is wrong with it."""

    exit_code = 2

    def __init__(self, problem: str, remedy: str, field: str = "") -> None:
        super().__init__(problem, remedy)
        self.field = field


class AccountError(PageTrackerError):
    """An account's name or password, or the account, is invalid."""

    exit_code = 2


class AccountExistsError(AccountError):
    """A name belongs to another account."""


class LastOwnerError(PageTrackerError):
    """There would be no owner of all sites left."""


class UnknownAccountError(PageTrackerError):
    """There is no such account."""


class LinkError(PageTrackerError):
    """A one-time link was requested where it could do nothing."""


class NotStoredError(PageTrackerError):
    """Hits could not be stored, or that is unknown; `retry_after` is in seconds."""

    # The HTTP status.
    status = 503

    def __init__(self, problem: str, retry_after: int) -> None:
        super().__init__(problem, "send it again later, with the same id if it has one")
        self.retry_after = retry_after


class TooManyHitsError(NotStoredError):
    """An address sends more than it may; nothing of it was stored."""

    status = 429


class LakeError(PageTrackerError):
    """The lake cannot be reached, is full or is damaged."""


class LogFileError(PageTrackerError):
    """A log cannot be read, or is not a log."""


class ImportRefusedError(PageTrackerError):
    """An import would count something twice, or does not fit on the disk."""


class ImportStoppedError(PageTrackerError):
    """An import failed halfway; the next one finishes it."""


class ImportInterruptedError(PageTrackerError):
    """A person has interrupted an import with Ctrl-C."""

    exit_code = 130


class DamagedRecordError(PageTrackerError):
    """A file that notes what was imported, or how far a log is followed, is damaged."""


class UnknownImportError(PageTrackerError):
    """There is no such import of this site."""


class ImportsBusyError(PageTrackerError):
    """Another process is importing."""


class QuestionError(PageTrackerError):
    """A question is invalid."""

    exit_code = 2


class OutputError(PageTrackerError):
    """The output, or a file that was requested, cannot be written."""


class ReaderGoneError(OutputError):
    """The reader of the output has closed it; nobody is left to be told."""


class NotConfirmedError(PageTrackerError):
    """Something destructive was not confirmed."""


class UnknownGoalError(PageTrackerError):
    """A site has no such goal or segment."""


class UnknownSharedLinkError(PageTrackerError):
    """A site has no such shared link."""


class UnknownAnnotationError(PageTrackerError):
    """A site has no such annotation."""
