"""`page-tracker serve`: run the whole server."""

import logging
from contextlib import suppress
from multiprocessing import get_context

import click

from page_tracker.commands.options import setting_option
from page_tracker.errors import OutputError, PageTrackerError
from page_tracker.processes.log_lines import begin_log
from page_tracker.processes.serve import serve as serve_until_stopped
from page_tracker.settings import Settings, is_in_bucket


@click.command()
@setting_option("host")
@setting_option("port")
@setting_option("data")
@setting_option("lake")
@setting_option("workers")
@setting_option("trusted_proxies")
def serve(**options: str | None) -> None:
    """Run the whole server: web, writer and, unless REDIS_URL is set, its own Redis.

    Stops cleanly on Ctrl-C and SIGTERM; restarts a process that dies.
    """
    settings = Settings.from_environment(**options)
    if settings.redis_url:
        # pylint: disable-next=import-outside-toplevel # it loads the client
        from page_tracker.wiring.store import require_redis

        if notice := require_redis(settings):
            click.echo(f"page-tracker: {notice}", err=True)
    begin_log(settings, "serve", "%(message)s")
    if is_in_bucket(settings):
        _try_bucket(settings)
    serve_until_stopped(settings, say=_say, log=logging.warning)


def _try_bucket(settings: Settings) -> None:
    """Raise BucketError for a bucket that no lake can lie in; one may be away.

    Its client starts threads, which whoever forks may not have: so another process
    tries it.
    """
    # pylint: disable-next=import-outside-toplevel # only such a lake needs it
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(1, get_context("fork")) as other:
        kind, problem, remedy, is_away = other.submit(
            _refusal, settings.lake or ""
        ).result()
    if is_away:
        logging.warning("%s; %s; until it answers, hits wait in Redis", problem, remedy)
    elif kind:
        raise kind(problem, remedy)


def _refusal(
    lake: str,
) -> tuple[type[PageTrackerError] | None, str, str, bool]:
    """The kind of error that a bucket is refused by, its two parts, whether it is away.

    Neither settings nor errors pass from process to process.
    """
    # pylint: disable-next=import-outside-toplevel # it loads the client
    from page_tracker.wiring.bucket import BucketAwayError, require_bucket

    try:
        require_bucket(Settings.from_environment(lake=lake))
    except PageTrackerError as error:
        is_away = isinstance(error, BucketAwayError)
        return type(error), error.problem, error.remedy, is_away
    return None, "", "", False


def _say(line: str) -> None:
    """Print a line; a server runs even if nobody can read it."""
    with suppress(OutputError):
        click.echo(line)
