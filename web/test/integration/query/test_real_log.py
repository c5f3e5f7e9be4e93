"""A real access log: what `page-tracker query` says equals what awk counts."""

from __future__ import annotations

import csv
import gzip
import io
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from page_tracker.cli import main
from support.processes import command

LOG = Path(__file__).parents[2] / "data" / "apache_combined.log.gz"
SITE = "semicomplete.com"
AWK = shutil.which("awk") or "awk is needed"

# What people read with Firefox or Chrome at addresses that end in a slash: lines of
# which awk can tell, without our rules, that each is a page view.
READ = r"""
BEGIN { FS = "\"" }
$2 ~ /^GET [^ ?]*\/ HTTP/ && $3 ~ /^ 200 / \
    && $6 ~ /Firefox\/[0-9.]+$|like Gecko\) Chrome\/[0-9.]+ Safari\/[0-9.]+$/ \
    && $6 !~ /[Bb]ot|compatible/ && !/\\x/
"""
PAGES = "{ print $7 }"
DAYS = r'{ split($4, t, /[\[\/:]/); print t[4] "-05-" t[2] }'
HOURS = r'{ split($4, t, /[\[\/:]/); print t[4] "-05-" t[2] " " t[5] ":00:00" }'
BROWSERS = '{ print (/Firefox/ ? "Firefox" : "Chrome") }'
VERSIONS = r"{ n = split($0, part, /(Firefox|Chrome)\//); print int(part[n]) }"
# A visit is what one address and user agent do on a day without half an hour between.
VISITS = r"""
{
  split($1, first, " "); split($1, t, /[\[\/: ]/)
  match($1, /\[[^ ]*/); stamp = substr($1, RSTART + 1, RLENGTH - 1)
  split(stamp, t, /[\/:]/)
  seconds = ((t[1] * 24 + t[4]) * 60 + t[5]) * 60 + t[6]
  printf "%s|%s\t%d\t%s\n", first[1], $6, seconds, $4
}
"""
REFERRERS = r"""
BEGIN { FS = "\t" }
{
  day = int($2 / 86400)
  if ($1 != who || day != last_day || $2 - last >= 1800) {
    from = $3; sub(/^https?:\/\//, "", from); sub(/^www\./, "", from)
    sub(/[?#].*/, "", from); sub(/\/$/, "", from)
    if (from == "-" || from ~ /^semicomplete\.com/) from = "Direct / None"
    print from
  }
  who = $1; last = $2; last_day = day
}
"""


def awk(program: str, text: str, separator: str = " ") -> str:
    done = subprocess.run(
        [AWK, "-F", separator, program],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def counted(lines: str) -> Counter[str]:
    return Counter(lines.splitlines())


@pytest.fixture(scope="module")
def read() -> str:
    return awk(READ, gzip.decompress(LOG.read_bytes()).decode())


@pytest.fixture(scope="module")
def data(
    read: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The environment of a data folder into which the log was imported."""
    folder = tmp_path_factory.mktemp("read")
    log = folder / "read.log"
    log.write_text(read)
    environment = {"PAGE_TRACKER_DATA": str(folder / "data")}
    for arguments in (["site", "add", SITE], ["import", SITE, str(log)]):
        command(*arguments, **environment)
    yield environment


def asked(data: dict[str, str], *options: str) -> Counter[str]:
    """The first metric by the one dimension."""
    words = ["query", SITE, "--csv", "--from", "2015-05-01", "--to", "2015-05-31"]
    done = CliRunner(env=data).invoke(main, [*words, *options])
    assert done.exit_code == 0, done.output
    rows = list(csv.reader(io.StringIO(done.stdout)))[1:]
    return Counter({row[0]: int(row[1]) for row in rows})


@pytest.mark.parametrize(
    ("dimension", "program"),
    [
        ("page", PAGES),
        ("day", DAYS),
        ("hour", HOURS),
        ("browser", BROWSERS),
        ("browser_version", VERSIONS),
    ],
)
def test_page_views_are_those_that_awk_counts(
    data: dict[str, str], read: str, dimension: str, program: str
) -> None:
    found = asked(data, "--metrics", "pageviews", "--by", dimension)

    assert found == counted(awk(program, read))
    assert sum(found.values()) == len(read.splitlines()) > 300


def test_visits_by_referrer_are_those_that_awk_counts(
    data: dict[str, str], read: str
) -> None:
    lines = sorted(
        awk(VISITS, read, '"').splitlines(),
        key=lambda line: (line.split("\t")[0], int(line.split("\t")[1])),
    )
    expected = counted(awk(REFERRERS, "\n".join(lines)))

    found = asked(data, "--metrics", "visits", "--by", "referrer")

    assert Counter({k.rstrip("/"): v for k, v in found.items()}) == expected


def test_a_filter_leaves_what_awk_leaves(data: dict[str, str], read: str) -> None:
    found = asked(
        *(data, "--metrics", "pageviews", "--by", "page"),
        *("--filter", "page matches ^/projects/", "--filter", "browser is Chrome"),
    )

    chosen = "$7 ~ /^\\/projects\\// && / Chrome\\// { print $7 }"
    expected = counted(awk(chosen, read))
    assert found == expected and found
