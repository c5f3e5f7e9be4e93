"""`page-tracker query`: what it refuses names the option; what it writes is whole."""

from __future__ import annotations

import csv
import os
import pty
import subprocess
from collections.abc import Callable
from datetime import date
from functools import partial

import pytest

from page_tracker.lake.table import Lake
from support.asked import put, view
from support.processes import BIN, clean_environment

Done = subprocess.CompletedProcess[str]
ALL = ("--from", "2026-03-01", "--to", "2026-03-04")
LATER = ("--from", "2026-03-03", "--to", "2026-03-04")


@pytest.fixture(scope="module", name="ask")
def _ask(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Done]:
    """Asks about a site with three views on one day and one on another."""
    folder = tmp_path_factory.mktemp("command")

    def run(*arguments: str, stdout: int = subprocess.PIPE, **environment: str) -> Done:
        return subprocess.run(
            [BIN / "page-tracker", *arguments],
            env=clean_environment(PAGE_TRACKER_DATA=str(folder), **environment),
            cwd=folder,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert run("site", "add", "a.org").returncode == 0
    filters = ("--filter", "page is /docs", "--filter", "country is not FR")
    assert run("segment", "add", "a.org", "Readers", *filters).returncode == 0
    rows = [view(1), view(2), view(3, "/docs"), view(1, day=date(2026, 3, 4))]
    rows[1]["source"] = "=1+1"
    put(Lake(str(folder / "lake")), rows, 1)
    return partial(run, "query", "a.org")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--offset", "-1"], "--offset: must be 0"),
        (["--limit", "0"], "--limit: must be 1"),
        (["--order", "vistors"], '--order: "vistors" is neither'),
        (["--order", "vistors"], 'did you mean "visitors"'),
        (["--from", "1.3.2026", "--to", "2026-03-04"], "write it like 2026-01-31"),
        (["--filter", "goal is Sale"], "no goals"),
        (["--filter", "segment is 2"], "there is no segment 2"),
        (["--filter", "segment is Readers"], "must be a segment's number"),
        (["--filter", "country is germany"], "country_name is Germany"),
        (["--match-weekdays"], "--compare"),
        (["--live", "--csv"], "--json"),
        (["--parquet", "x.parquet", "--compare", "year"], "--csv"),
        (["--parquet", "missing/x.parquet"], "missing/x.parquet cannot be written"),
    ],
    ids=" ".join,
)
def test_what_is_refused_says_what_to_write(
    ask: Callable[..., Done], arguments: list[str], said: str
) -> None:
    done = ask(*arguments)

    assert done.returncode in (1, 2) and not done.stdout
    assert said in done.stderr and "Traceback" not in done.stderr


def test_a_segment_is_asked_for_by_its_number(ask: Callable[..., Done]) -> None:
    done = ask(*ALL, "--csv", "--metrics", "pageviews", "--filter", "segment is 1")

    assert done.stdout == "pageviews\n1\n"


def test_csv_has_the_compared_figures_beside_the_present_ones(
    ask: Callable[..., Done],
) -> None:
    done = ask(*LATER, "--csv", "--by", "page", "--compare", "previous")

    assert list(csv.reader(done.stdout.splitlines())) == [
        ["page", "visitors", "pageviews", "visitors_before", "pageviews_before"],
        ["/", "1", "1", "2", "2"],
    ]


def test_csv_holds_no_formula(ask: Callable[..., Done]) -> None:
    done = ask(*ALL, "--csv", "--by", "source")

    assert ["'=1+1", "1", "1"] in csv.reader(done.stdout.splitlines())


def test_minutes_of_many_years_are_told_without_a_line(
    ask: Callable[..., Done],
) -> None:
    done = ask("--from", "1970-01-01", "--to", "2199-12-31", "--by", "minute")

    assert done.returncode == 0 and "2026-03-0" in done.stdout
    assert "most" not in done.stdout
    assert "most" in ask(*ALL, "--by", "day").stdout


@pytest.mark.parametrize("asked", ["--by page", "--by day", "--by hour", "--live"])
def test_no_line_is_wider_than_a_narrow_terminal(
    ask: Callable[..., Done], asked: str
) -> None:
    ours, theirs = pty.openpty()

    done = ask(*asked.split(), *ALL, stdout=theirs, COLUMNS="40")

    os.close(theirs)
    said = os.read(ours, 4096).decode().splitlines()
    os.close(ours)
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, said)) <= 40
    assert not any("…" in line for line in said)  # neither times nor pages are cut


def test_revenue_without_a_currency_is_nothing_and_the_reason_is_told(
    ask: Callable[..., Done],
) -> None:
    asked = ("--metrics", "visitors,total_revenue", *ALL)

    assert ask(*asked, "--csv").stdout == "visitors,total_revenue\n4,\n"
    assert "total_revenue: the goals asked about have no revenue" in ask(*asked).stdout


def test_a_page_beyond_the_last_is_not_called_no_hits(ask: Callable[..., Done]) -> None:
    said = ask("--by", "page", *ALL, "--offset", "9").stdout

    assert "No rows beyond the first 9." in said
    assert "No hits" not in said


def test_bars_are_told_whatever_the_locale_s_encoding(ask: Callable[..., Done]) -> None:
    done = ask("--by", "page", *ALL, PYTHONIOENCODING="latin-1")

    assert (done.returncode, done.stderr) == (0, "")
    assert "█" in done.stdout
