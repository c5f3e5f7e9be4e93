"""`page-tracker query`: what it refuses names the option; what it writes is whole."""

from __future__ import annotations

import csv
import os
import pty
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from page_tracker.lake.table import Lake
from support import commands
from support.asked import put, view
from support.processes import BIN, clean_environment

Done = subprocess.CompletedProcess[str]


def rows_of(said: str) -> list[list[str]]:
    """The words of each line."""
    return [line.split() for line in said.splitlines()]


ALL = ("--from", "2026-03-01", "--to", "2026-03-04")
LATER = ("--from", "2026-03-03", "--to", "2026-03-04")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Has a site with three views on one day and one on another."""
    made = tmp_path_factory.mktemp("command")
    filters = ("--filter", "page is /docs", "--filter", "country is not FR")
    for words in (
        ("site", "add", "a.org"),
        ("segment", "add", "a.org", "Readers", *filters),
    ):
        done = commands.run(*words, environment=environment_of(made), folder=made)
        assert done.returncode == 0, done.stderr
    rows = [view(1), view(2), view(3, "/docs"), view(1, day=date(2026, 3, 4))]
    rows[1]["source"] = "=1+1"
    put(Lake(str(made / "lake")), rows, 1)
    return made


def environment_of(folder: Path, **more: str) -> dict[str, str]:
    return clean_environment(PAGE_TRACKER_DATA=str(folder), **more)


@pytest.fixture(name="ask")
def _ask(folder: Path) -> Callable[..., Done]:
    """Asks about the site."""

    def ask(*arguments: str) -> Done:
        environment = environment_of(folder)
        words = ("query", "a.org", *arguments)
        return commands.run(*words, environment=environment, folder=folder)

    return ask


@pytest.fixture
def ask_anew(folder: Path) -> Callable[..., Done]:
    """The same by an interpreter of its own, with another output or environment."""

    def ask(*arguments: str, stdout: int = subprocess.PIPE, **environment: str) -> Done:
        return subprocess.run(
            [BIN / "page-tracker", "query", "a.org", *arguments],
            env=environment_of(folder, **environment),
            cwd=folder,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    return ask


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--offset", "-1"], "--offset: must be 0"),
        (["--limit", "0"], "--limit: must be 1"),
        (["--order", "vistors"], '--order: "vistors" is neither'),
        (["--order", "vistors"], 'did you mean "visitors"'),
        (["--order", "source"], '"source" is not asked for; name it in --by'),
        (["--order", "visits desc"], "name it in --metrics"),
        (["--order", "visitors down"], "asc or desc"),
        (["--order", ""], "--order is empty"),
        (["--from", "1.3.2026", "--to", "2026-03-04"], "write it like 2026-01-31"),
        (["--from", "2026-03-05", "--to", "2026-03-04"], "before it begins"),
        (["--to", "2026-03-04"], "--from beside --to"),
        (["--period", "yesterdy"], 'did you mean "yesterday"'),
        (["--filter", "goal is Sale"], "no goals"),
        (["--filter", "segment is 2"], "there is no segment 2"),
        (["--filter", "segment is Raeders"], 'did you mean "Readers"'),
        (["--filter", "country is germany"], "write DE"),
        (["--match-weekdays"], "--compare"),
        (["--live", "--csv"], "--json"),
        (["--live", "--by", "page"], "leave out --by"),
        (["--live", "--filter", "country is DE"], "leave out --filter"),
        (["--live", "--from", "2026-03-01"], "leave out --from"),
        (["--live", "--metrics", "visitors"], "leave out --metrics"),
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


@pytest.mark.parametrize("which", ["1", "Readers"])
def test_a_segment_is_asked_for_by_its_number_or_its_name(
    ask: Callable[..., Done], which: str
) -> None:
    asked = ("--metrics", "pageviews", "--filter", f"segment is {which}")

    assert ask(*ALL, "--csv", *asked).stdout == "pageviews\n1\n"


def test_metrics_that_are_given_twice_add_up(ask: Callable[..., Done]) -> None:
    asked = ("--metrics", "visits,pageviews", "--metrics", "visitors")

    assert ask(*ALL, "--csv", *asked).stdout == "visits,pageviews,visitors\n4,4,4\n"


@pytest.mark.parametrize(
    ("words", "views"),
    [
        ("--from 2026-03-03", 1),
        ("--from 2026", 4),
        ("--from 2026-03 --to 2026-03", 4),
        ("--from 2026-03-02T12:00 --to 2026-03-02T13:00", 3),
        ("--from 2026-03-02T13:00 --to 2026-03-03", 0),
        ("--from 2026-03-02T12:00Z --to 2026-03-02T12:00Z", 3),
        ("--period 2026", 4),
        ("--period 2026-03", 4),
        ("--period 2026-03-04", 1),
        ("--period yesterday", 0),
        ("--period 5d", 0),
    ],
)
def test_days_are_read_as_people_write_them(
    ask: Callable[..., Done], words: str, views: int
) -> None:
    said = ask(*words.split(), "--csv", "--metrics", "pageviews").stdout

    assert said == f"pageviews\n{views}\n"


def test_the_figure_before_stands_beside_its_change(ask: Callable[..., Done]) -> None:
    compared = (*LATER, "--compare", "previous")

    by_page = ask(*compared, "--by", "page", "--metrics", "visitors").stdout
    totals = ask(*compared).stdout.splitlines()

    assert ["PAGE", "VISITORS", "BEFORE", "CHANGE"] in rows_of(by_page)
    assert totals[2].split() == ["METRIC", "VALUE", "BEFORE", "CHANGE"]
    assert totals[3].split() == ["visitors", "1", "3", "-67%"]


def test_bars_stand_beside_the_metric_that_they_draw(ask: Callable[..., Done]) -> None:
    (row,) = [each for each in rows_of(ask(*ALL, "--by", "page").stdout) if "/" in each]

    assert row == ["/", "3", "█" * 20, "3"]


def test_a_month_is_told_without_a_day(ask: Callable[..., Done]) -> None:
    rows = rows_of(ask(*ALL, "--by", "month").stdout)

    assert rows[-1][0] == "2026-03"


def test_who_has_no_place_is_told_as_who_has_no_source(
    ask: Callable[..., Done],
) -> None:
    for name in ("country", "city", "region_name", "utm_source"):
        assert "(not" in ask(*ALL, "--by", name).stdout, name


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--from 2026-04-01 --to 2026-04-30", "a.org has hits from 2026-03-02 to"),
        ("--by page --period 2025", "--period all"),
        ("--by page --period 2026 --filter", "No hits that fit the filters"),
        ("--from 2026-03-03 --to 2026-03-03", "No hits here"),
    ],
)
def test_no_hits_says_when_there_are_hits(
    ask: Callable[..., Done], words: str, said: str
) -> None:
    asked = words.split()
    if asked[-1] == "--filter":
        asked.append("page is /nowhere")

    assert said in ask(*asked).stdout


def test_an_explanation_is_in_words(ask: Callable[..., Done]) -> None:
    said = ask(*ALL, "--explain").stdout

    assert "4 days from the hits themselves: 2026-03-01 to 2026-03-04" in said
    assert "1 file of hits read" in said and "1 row in the answer" in said
    assert " ms in all: " in said and "SELECT" in said


def test_parquet_has_the_rows_of_the_answer_and_no_amount_without_a_currency(
    ask: Callable[..., Done], tmp_path: Path
) -> None:
    file = tmp_path / "rows.parquet"
    asked = ("--metrics", "visitors,total_revenue,views_per_visit", "--by", "page")

    done = ask(*ALL, *asked, "--parquet", str(file))

    assert done.stdout == f"Wrote 2 rows into {file}.\n"
    with duckdb.connect() as connection:
        rows = connection.sql(f"FROM '{file}'").fetchall()
        types = connection.sql(f"FROM '{file}'").types
    assert rows == [("/", 3, None, 1.0), ("/docs", 1, None, 1.0)]
    assert list(map(str, types)) == ["VARCHAR", "BIGINT", "DOUBLE", "DOUBLE"]


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
    ask_anew: Callable[..., Done], asked: str
) -> None:
    ours, theirs = pty.openpty()

    days = () if asked == "--live" else ALL
    done = ask_anew(*asked.split(), *days, stdout=theirs, COLUMNS="40")

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


def test_bars_are_told_whatever_the_locale_s_encoding(
    ask_anew: Callable[..., Done],
) -> None:
    done = ask_anew("--by", "page", *ALL, PYTHONIOENCODING="latin-1")

    assert (done.returncode, done.stderr) == (0, "")
    assert "█" in done.stdout


def test_a_segment_is_removed_by_its_name_or_its_number(folder: Path) -> None:
    def segment(*words: str) -> Done:
        environment = environment_of(folder)
        return commands.run("segment", *words, environment=environment, folder=folder)

    for name in ("Germans", "French"):
        assert segment("add", "a.org", name, "--filter", "country is DE").stdout

    assert "no longer has the segment 2, 'Germans'" in (
        segment("remove", "a.org", "Germans").stdout
    )
    assert "'French'" in segment("remove", "a.org", "3").stdout
    refused = segment("remove", "a.org", "Raeders")
    assert refused.returncode == 1
    assert 'there is no segment "Raeders"; did you mean "Readers"?' in refused.stderr
    assert "there is no segment 9" in segment("remove", "a.org", "9").stderr
