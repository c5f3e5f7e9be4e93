"""`page-tracker import`: a site's history, from its web server's access logs."""

import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any, get_args

import click

from page_tracker.commands.confirmation import confirm, yes_option
from page_tracker.commands.interrupted_import import interruptible
from page_tracker.commands.options import setting_option
from page_tracker.commands.progress import Progress
from page_tracker.commands.tables import as_date, echo_json, echo_table
from page_tracker.days import date_of
from page_tracker.history.follow import LogFollower
from page_tracker.history.formats import FORMATS
from page_tracker.history.import_summary import (
    days_of,
    figures,
    headline,
    in_words,
    most_first,
    summary,
)
from page_tracker.history.imports import Order, Outcome
from page_tracker.history.log_reader import Tally
from page_tracker.history.register import Import
from page_tracker.history.wanted import Wanted, Whose
from page_tracker.lookups.load import load
from page_tracker.plural import counted as plural
from page_tracker.settings import Settings
from page_tracker.sites.demonstration import require_own
from page_tracker.sites.site import Site
from page_tracker.wiring.history import Historian, historian_of_folder
from page_tracker.wiring.register import open_register


@click.command(name="import")
@click.argument("domain", metavar="SITE", required=False)
@click.argument("logs", metavar="LOG…", nargs=-1)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(FORMATS)),
    help="The logs' format; detected if not given.",
)
@click.option(
    "--address",
    "whose",
    type=click.Choice(get_args(Whose)),
    help="Behind a proxy: whose address is the visitor's, the sender's or the one that"
    " was forwarded.",
)
@click.option(
    "--skip-malformed",
    is_flag=True,
    help="Import a log even if many of its lines are malformed.",
)
@click.option(
    "--dry-run", is_flag=True, help="Print what would be imported; change nothing."
)
@click.option(
    "--overlap",
    is_flag=True,
    help="Also import days on which the site has counted hits itself.",
)
@click.option(
    "--follow", is_flag=True, help="Count each line as it is added to LOG, from now on."
)
@click.option(
    "--list", "as_list", is_flag=True, help="List imports, of SITE or of all sites."
)
@click.option("--undo", metavar="ID", help="Undo the import ID: delete its page views.")
@yes_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@setting_option("data")
@setting_option("lake")
# One argument for each option:
# pylint: disable-next=too-many-arguments,too-many-positional-arguments,too-many-locals
def import_(
    domain: str | None,
    logs: tuple[str, ...],
    format_name: str | None,
    whose: Whose | None,
    skip_malformed: bool,
    dry_run: bool,
    overlap: bool,
    follow: bool,
    as_list: bool,
    undo: str | None,
    yes: bool,
    as_json: bool,
    **options: str | None,
) -> None:
    """Import page views of SITE from access logs, compressed or not; - is stdin.

    Static files, redirects, errors and bots are left out. It is safe to run it again:
    lines that were imported are recognised, also under another name, compressed, or at
    the beginning of a log that has grown. The next run finishes an interrupted one.
    """
    _check_usage(domain, logs, as_list, undo, follow)
    if (dry_run or overlap) and (as_list or undo is not None or follow):
        raise click.UsageError("--dry-run and --overlap need logs to import.")
    settings = Settings.from_environment(**options)
    wanted = Wanted(format_name, whose, skip_malformed)
    with ExitStack() as stack:
        stack.enter_context(interruptible(open_register(settings)))
        progress = stack.enter_context(Progress(sys.stderr))
        historian = stack.enter_context(historian_of_folder(settings, progress))
        site = historian.sites.get(domain) if domain else None
        named = site.id if site else None
        if site and logs:
            require_own(site)
        if as_list:
            _echo_list(historian.imports.register.present(named), as_json)
        elif undo is not None:
            if not yes:
                _ask_before_undoing(historian, undo, named)
            undone = historian.imports.undo(undo, historian.sites.all(), named)
            progress.stop()
            _echo_undone(undone, as_json)
        elif site and follow:
            _follow(historian, settings, site, logs[0], wanted, as_json)
        elif site:
            order = Order(site, logs, wanted, overlap)
            progress.begin(logs)
            outcome = _imported(historian, order, dry_run)
            progress.stop()
            _echo_outcome(site, outcome, dry_run, as_json)


def _ask_before_undoing(historian: Historian, undo: str, site: str | None) -> None:
    """Ask, if there is such an import. Raises NotConfirmedError."""
    for entry in historian.imports.register.present(site):
        if entry.id == undo:
            views = plural(entry.pageviews - entry.deleted, "page view")
            days = days_of(entry.days)
            click.echo(f"{entry.site}: {views} of {days} would go.", err=True)
            confirm("Take the import out for good?")


def _check_usage(
    domain: str | None,
    logs: tuple[str, ...],
    as_list: bool,
    undo: str | None,
    follow: bool,
) -> None:
    if as_list or undo is not None:
        if logs or (as_list and undo is not None):
            raise click.UsageError("--list and --undo stand alone, without logs.")
    elif not domain:
        raise click.UsageError("Name the site, and the logs to import.")
    elif not logs:
        raise click.UsageError("Name the logs to import, or - for standard input.")
    elif follow and (len(logs) > 1 or logs[0] == "-"):
        raise click.UsageError("--follow follows one log, by its name.")


def _imported(historian: Historian, order: Order, dry_run: bool) -> Outcome:
    if dry_run:
        return Outcome(None, historian.imports.rehearse(order, historian.lookups))
    sites = historian.sites.all()
    return historian.imports.run(order, historian.lookups, sites)


def _follow(  # pylint: disable=too-many-arguments,too-many-positional-arguments
    historian: Historian,
    settings: Settings,
    site: Site,
    log: str,
    wanted: Wanted,
    as_json: bool,
) -> None:
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    follower = LogFollower(
        settings.data / "imports",
        Path(log),
        wanted,
        historian.store(site.id),
        load(historian.lookups),
        lambda text: click.echo(text, err=True),
    )
    click.echo(f"Following {log} for {site.id}; Ctrl-C ends it.", err=True)
    counted = follower.run(stop)
    left_out = {reason: n for reason, n in most_first(counted.left_out) if n}
    if as_json:
        said = {"lines": counted.lines, "pageviews": counted.pageviews}
        echo_json({"site": site.id, **said, "left_out": left_out})
    else:
        reasons = "".join(f", {n:,} {in_words(why)}" for why, n in left_out.items())
        views = (
            f"{plural(counted.lines, 'line')}, {plural(counted.pageviews, 'page view')}"
        )
        click.echo(f"{views}; left out{reasons[1:]}." if reasons else f"{views}.")


def _echo_outcome(site: Site, outcome: Outcome, dry_run: bool, as_json: bool) -> None:
    said = summary(site.id, outcome.tally, outcome.entry, dry_run)
    if as_json:
        echo_json(said)
        return
    _echo_malformed(outcome.tally)
    for note in said["notes"]:
        click.echo(note, err=True)
    if mostly := said["most_left_out"]:
        click.echo(mostly)
    click.echo(headline(said))
    rows = figures(said)
    width = max(len(number) for number, _ in rows)
    for number, what in rows:
        click.echo(f"  {number:>{width}}  {what}")


def _echo_malformed(tally: Tally) -> None:
    for log, line, text in tally.malformed:
        click.echo(f"{log}, line {line}: malformed, left out: {text}", err=True)
    more = tally.left_out["malformed"] - len(tally.malformed)
    if more > 0:
        click.echo(f"… and {more:,} more malformed lines", err=True)


def _echo_list(imports: list[Import], as_json: bool) -> None:
    if as_json:
        echo_json([_described(each) for each in imports])
    elif not imports:
        click.echo("There is no import yet.")
    else:
        echo_table(
            ("ID", "SITE", "IMPORTED", "DAYS", "PAGE VIEWS", "LINES", "STATE", "LOGS"),
            [
                (
                    each.id,
                    each.site,
                    as_date(each.started),
                    days_of(each.days),
                    _views_of(each),
                    f"{each.lines:,}",
                    _STATES[each.state],
                    ", ".join(each.logs),
                )
                for each in imports
            ],
            numbers=(4, 5),
            shorten=(7,),
        )


def _views_of(entry: Import) -> str:
    deleted = f" ({entry.deleted:,} deleted)" if entry.deleted else ""
    return f"{entry.pageviews:,}{deleted}"


_STATES = {
    "done": "done",
    "writing": "interrupted; the next import finishes it",
    "undoing": "half undone; the next import finishes that",
}


def _described(entry: Import) -> Mapping[str, Any]:
    return {
        "id": entry.id,
        "site": entry.site,
        "state": entry.state,
        "started": entry.started,
        "logs": entry.logs,
        "formats": entry.formats,
        "lines": entry.lines,
        "pageviews": entry.pageviews,
        "deleted": entry.deleted,
        "left_out": entry.left_out,
        "first_day": str(date_of(entry.days[0].day)) if entry.days else None,
        "last_day": str(date_of(entry.days[-1].day)) if entry.days else None,
    }


def _echo_undone(entry: Import, as_json: bool) -> None:
    if as_json:
        echo_json(
            {"undone": entry.id, "site": entry.site, "pageviews": entry.pageviews}
        )
    else:
        click.echo(
            f"{entry.site}: import {entry.id} is undone; its"
            f" {plural(entry.pageviews, 'page view')} went, and its logs can be"
            " imported again."
        )
