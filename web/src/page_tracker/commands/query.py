"""`page-tracker query`: any question about a site's counts."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from page_tracker.commands.answers import (
    echo_explanation,
    echo_realtime,
    echo_report,
)
from page_tracker.commands.options import setting_option
from page_tracker.commands.tables import echo_json
from page_tracker.days import MICROSECONDS
from page_tracker.errors import QuestionError
from page_tracker.plural import counted
from page_tracker.query import dates, typed_dates
from page_tracker.query.answer import as_json
from page_tracker.query.catalog import METRICS, TIME_BUCKETS
from page_tracker.query.live_figures import as_json as realtime_as_json
from page_tracker.query.live_figures import live_figures
from page_tracker.query.problem import QueryError, nearest
from page_tracker.query.report import Report
from page_tracker.query.spreadsheet import write_rows
from page_tracker.query.typed_filters import (
    EXAMPLE,
    SHORT,
    full_name,
    parse_filter,
)
from page_tracker.settings import Settings
from page_tracker.sites.site import (
    Site,
    zone_at,
)

if TYPE_CHECKING:
    from page_tracker.wiring.asking import Asker

ROWS = 20
USUAL_METRICS = ("visitors", "pageviews")
# The place of each option in a question's JSON.
PLACES = {
    "#/metrics": "--metrics",
    "#/dimensions": "--by",
    "#/date_range": "--period, --from, --to",
    "#/filters": "--filter",
    "#/order_by": "--order",
    "#/pagination/limit": "--limit",
    "#/pagination/offset": "--offset",
    "#/include": "--compare",
}


@click.command()
@click.argument("domain", metavar="SITE")
@click.option(
    "--metrics",
    multiple=True,
    help=f"Which figures: {', '.join(METRICS)}.  [default: {','.join(USUAL_METRICS)}]",
)
@click.option(
    "--by",
    "dimensions",
    multiple=True,
    help="Group by this, like page, country or day.",
)
@click.option(
    "--period",
    help=f"Like {', '.join(dates.WORDS)}, yesterday, 5d, 2026 or 2026-01; default: the"
    " last 30 days with today.",
)
@click.option(
    "--from",
    "first",
    metavar="DATE",
    help="From this day, month, year or moment on; to now, without --to.",
)
@click.option("--to", "last", metavar="DATE", help="Up to this one.")
@click.option("--filter", "filters", multiple=True, help=f"Only some: {EXAMPLE}.")
@click.option(
    "--compare",
    metavar="previous|year|FROM..TO",
    help="Compare with the period before, the year before, or these days.",
)
@click.option(
    "--match-weekdays",
    is_flag=True,
    help="Begin the compared days on the same day of the week.",
)
@click.option(
    "--order",
    multiple=True,
    metavar="'NAME [asc|desc]'",
    help="By a metric or dimension; default: by time, or the first metric.",
)
@click.option("--limit", type=int, help=f"Rows; {ROWS} in a table, else 10000.")
@click.option("--offset", type=int, help="Skip this many rows.")
@click.option("--json", "as_json_", is_flag=True, help="Print the answer as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the rows as CSV.")
@click.option(
    "--parquet",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the rows into FILE.",
)
@click.option("--explain", is_flag=True, help="Show how it is answered, and how fast.")
@click.option("--live", is_flag=True, help="Who is here now, and today.")
@setting_option("data")
@setting_option("lake")
def query(  # pylint: disable=too-many-arguments,too-many-positional-arguments
    domain: str,
    as_json_: bool,
    as_csv: bool,
    parquet: Path | None,
    explain: bool,
    live: bool,
    data: str | None,
    lake: str | None,
    **said: Any,
) -> None:
    """Ask about the counts of SITE.

    \b
      page-tracker query example.com --by page
      page-tracker query example.com --metrics visitors --by day --period month
      page-tracker query example.com --filter 'country is DE' --compare previous
    """
    others = as_csv or parquet is not None or explain
    if as_json_ + as_csv + (parquet is not None) + explain > 1:
        raise click.UsageError("Choose one of --json, --csv, --parquet and --explain.")
    if live and others:
        raise click.UsageError("--live can be combined only with --json.")
    _refuse_what_does_not_go(said, live, parquet is not None)
    settings = Settings.from_environment(data=data, lake=lake)
    with asker_of(settings) as asker:
        site = asker.sites.get(domain)
        if live:
            _echo_live(asker, site, as_json_)
            return
        is_table = not (as_json_ or as_csv or parquet)
        report = _answered(asker, domain, said, is_table)
        if as_json_:
            echo_json(as_json(report))
        elif as_csv:
            write_rows(report, csv.writer(sys.stdout, lineterminator="\n"))
        elif parquet is not None:
            asker.write_parquet(report, parquet)
            click.echo(f"Wrote {counted(len(report.rows), 'row')} into {parquet}.")
        elif explain:
            echo_explanation(report)
        else:
            echo_report(report, partial(asker.asking.days, site.id))


def asker_of(settings: Settings) -> AbstractContextManager[Asker]:
    """What questions are asked with, loaded once the options are valid."""
    # pylint: disable-next=import-outside-toplevel # Redis's client takes a moment
    from page_tracker.wiring.asking import asker_of_folder

    return asker_of_folder(settings)


def _refuse_what_does_not_go(said: dict[str, Any], live: bool, parquet: bool) -> None:
    """Refuse options that exclude each other. Raises click.UsageError."""
    if parquet and said["compare"]:
        raise click.UsageError(
            "--parquet cannot be combined with --compare; use --csv."
        )
    if said["match_weekdays"] and not said["compare"]:
        raise click.UsageError("--match-weekdays needs --compare.")
    options = {"dimensions": "by", "filters": "filter", "first": "from", "last": "to"}
    for name, value in said.items():
        if live and value:
            option = options.get(name, name).replace("_", "-")
            raise click.UsageError(
                f"--live shows all current visitors: leave out --{option}."
            )


def _echo_live(asker: Asker, site: Site, as_json_: bool) -> None:
    found = live_figures(asker.live, site, int(time.time()))
    if as_json_:
        echo_json(realtime_as_json(found))
    else:
        echo_realtime(site.id, found)


def _answered(
    asker: Asker, domain: str, said: dict[str, Any], is_table: bool
) -> Report:
    """The answer to the options. Raises QuestionError in terms of the options."""
    site, now = asker.sites.get(domain), time.time()
    try:
        body = body_of(site, said, is_table, now)
        return asker.asking.report(asker.asking.understand(body, site, now))
    except QueryError as error:
        raise QuestionError(
            said_of(error, PLACES), "see page-tracker query --help"
        ) from error


def said_of(error: QueryError, places: Mapping[str, str]) -> str:
    """What is wrong, and in which option."""
    for place, option in places.items():
        if error.pointer.startswith(place):
            return f"{option}: {error.problem}"
    return error.problem


def body_of(
    site: Site, said: dict[str, Any], is_table: bool, seconds: float
) -> dict[str, Any]:
    """The question as JSON, asked at this time (seconds, UTC).

    Raises QueryError, click.UsageError.
    """
    zone = ZoneInfo(zone_at(site, int(seconds * MICROSECONDS)))
    now = datetime.fromtimestamp(seconds, zone)
    body: dict[str, Any] = {
        "site_id": site.id,
        "metrics": _parts(said["metrics"]) or list(USUAL_METRICS),
        "date_range": range_of(said["period"], said["first"], said["last"], now),
        "dimensions": [full_name(each) for each in _parts(said["dimensions"])],
        "filters": [parse_filter(text, site.segments) for text in said["filters"]],
        "include": {},
    }
    asked = [*body["metrics"], *body["dimensions"]]
    if orders := [_order_of(text, asked) for text in said["order"]]:
        body["order_by"] = orders
    if said["compare"]:
        body["include"]["comparisons"] = _comparison_of(
            said["compare"], said["match_weekdays"], now
        )
    is_over_time = bool({"time", *TIME_BUCKETS} & set(body["dimensions"]))
    limit = said["limit"]
    if limit is None:
        limit = ROWS if is_table and not is_over_time else 10_000
    body["pagination"] = {"limit": limit, "offset": said["offset"] or 0}
    return body


def _parts(said: Sequence[str]) -> list[str]:
    """The values of an option that may be repeated, and have commas; each once."""
    parts = [each.strip() for text in said for each in text.split(",")]
    return list(dict.fromkeys(parts))


def range_of(
    period: str | None, first: str | None, last: str | None, now: datetime
) -> Any:
    """The range of the options for it, asked in the site's zone.

    Raises QueryError, click.UsageError.
    """
    if period is not None:
        if first is not None or last is not None:
            raise click.UsageError("Write --period, or --from and --to.")
        return typed_dates.period(period, now)
    if first is not None:
        return typed_dates.between(first, last, now, "--from, --to")
    if last is not None:
        raise click.UsageError("Write --from beside --to: where does it begin?")
    return typed_dates.usual(now)


def _comparison_of(text: str, matched: bool, now: datetime) -> dict[str, Any]:
    modes = {"previous": "previous_period", "year": "year_over_year"}
    wanted: dict[str, Any] = {"match_day_of_week": True} if matched else {}
    first, dots, last = text.partition("..")
    if dots:
        days = typed_dates.between(first, last, now, "--compare")
        return {**wanted, "mode": "custom", "date_range": days}
    if text not in modes:
        raise click.UsageError("--compare is previous, year or FROM..TO.")
    return {**wanted, "mode": modes[text]}


def _order_of(text: str, asked: Sequence[str]) -> list[str]:
    """A name and its direction. Raises QueryError in terms of the option."""
    name, _, way = text.strip().partition(" ")
    way = way.strip().lower()
    if not name:
        raise QueryError("", "--order is empty; write it like 'visitors desc'")
    if way not in ("", "asc", "desc"):
        raise QueryError("", f'--order: write asc or desc after {name}, not "{way}"')
    try:
        full = name if name in METRICS else full_name(name)
    except QueryError as error:
        hint = nearest(name, [*METRICS, *SHORT])
        raise QueryError(
            "", f'--order: "{name}" is neither a metric nor a dimension{hint}'
        ) from error
    if full not in asked and not (full == "time" and TIME_BUCKETS.keys() & set(asked)):
        option = "--metrics" if full in METRICS else "--by"
        raise QueryError("", f'--order: "{name}" is not asked for; name it in {option}')
    return [full, way or ("desc" if full in METRICS else "asc")]
