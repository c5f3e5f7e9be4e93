"""The real log, imported, and counted once more by a few lines of awk."""

from __future__ import annotations

import gzip
import subprocess
from collections import Counter
from urllib.parse import unquote

import pytest

from page_tracker.history.blocks import STATIC
from page_tracker.lookups.load import load
from support.importing import LOG, History

# Which lines ask for a page: METHOD and path of `$6 $7`, the answer's status `$9`.
PAGES = r"""
BEGIN { size = split(STATIC, words, " "); for (; size; size--) static[words[size]] = 1 }
function path_of(target) { sub(/[?#].*/, "", target); return target }
function ending(path,   name) {
    name = path; sub(/.*\//, "", name); sub(/^\.+/, "", name)
    return match(name, /\.[^.]*$/) ? tolower(substr(name, RSTART + 1)) : ""
}
function reason() {
    if (split($0, quoted, "\"") != 7) return "malformed"
    if ($9 >= 400) return "error"
    if ($9 >= 300 && $9 != 304) return "redirect"
    if ($6 != "\"GET") return "method"
    if (ending(path_of($7)) in static) return "static_file"
    return "page"
}
"""


def awk(program: str, text: str) -> list[list[str]]:
    """Run awk over a text; its lines as fields between tabs."""
    found = subprocess.run(  # nosec B607 # the machine's own program
        ["awk", "-v", f"STATIC={' '.join(sorted(STATIC))}", PAGES + program],
        input=text.encode(),
        capture_output=True,
        check=True,
        env={"LC_ALL": "C"},
    )
    lines = found.stdout.decode("utf-8", "replace").splitlines()
    return [line.split("\t") for line in lines]


@pytest.fixture(scope="module")
def text() -> str:
    return gzip.decompress(LOG.read_bytes()).decode("utf-8")


@pytest.fixture(scope="module")
def people(text: str) -> str:
    """The lines of page views: pages that no bot has asked for."""
    bot_of = load().bot_of
    asked = awk('reason() == "page" { split($0, q, "\\""); print q[6] "\t" $0 }', text)
    return "".join(f"{line}\n" for agent, line in asked if bot_of(agent) is None)


def test_every_line_is_a_page_view_or_left_out_for_a_reason(
    history: History, text: str
) -> None:
    tally = history.run(LOG).tally

    counted = {
        why: int(n)
        for n, why in awk(
            '{ n[reason()]++ } END { for (why in n) print n[why] "\t" why }', text
        )
    }
    pages = counted.pop("page")
    bots = tally.left_out.pop("bot")
    assert dict(tally.left_out) == counted
    assert tally.pageviews + bots == pages
    assert tally.pageviews + bots + sum(counted.values()) == tally.lines == 10_000
    assert [each[:2] for each in tally.malformed] == [(str(LOG), 8899)]


def test_top_pages_and_days_are_those_that_awk_counts(
    history: History, people: str
) -> None:
    history.run(LOG)

    paths = _counted("key = path_of($7)", people)
    expected: Counter[str] = Counter()
    for path, number in paths.items():
        expected[unquote(path).rstrip()] += number
    assert _stored(history, "path") == expected
    assert _stored(history, "CAST(day AS VARCHAR)") == _counted(
        'key = "2015-05-" substr($4, 2, 2)', people
    )


def test_browsers_are_those_that_awk_counts(history: History, people: str) -> None:
    history.run(LOG)

    expected = _counted(
        r"""key = "other"
        if (/Opera|OPR\/|Seamonkey|SeaMonkey|Iceweasel|PaleMoon/) key = "other"
        else if (/Firefox\/[0-9]/) key = "Firefox"
        else if (/Chromium\/|Version\/4|MetaSr|Iron\//) key = "other"
        else if (/ (Chrome|CriOS)\/[0-9]/) key = "Chrome" """,
        people,
    )
    stored = _stored(history, "browser")
    assert {name: stored[name] for name in ("Firefox", "Chrome")} == {
        name: expected[name] for name in ("Firefox", "Chrome")
    }


def test_referrers_are_those_of_the_visits_that_awk_opens(
    history: History, people: str
) -> None:
    history.run(LOG)

    # Visitor, second, line and the referrer's host; sorted, each silence opens a visit.
    hosts = r"""{
        split($0, quoted, "\""); split($4, clock, ":"); host = tolower(quoted[4])
        if (host !~ /^https?:\/\//) host = ""
        sub(/^https?:\/\/(www\.)?/, "", host); sub(/[:\/?#].*/, "", host)
        if (host == "semicomplete.com" || host !~ /\./) host = ""
        day = substr($4, 2, 2)
        second = day * 86400 + clock[2] * 3600 + clock[3] * 60 + clock[4]
        print $1 " " quoted[6] " " day "\t" second "\t" NR "\t" host
    }"""
    lines = "".join("\t".join(fields) + "\n" for fields in awk(hosts, people))
    by_visitor = subprocess.run(  # nosec B607 # the machine's own program
        ["sort", "-t", "\t", "-k1,1", "-k2,2n", "-k3,3n"],
        input=lines.encode(),
        capture_output=True,
        check=True,
        env={"LC_ALL": "C"},
    ).stdout.decode()
    openings = r"""BEGIN { FS = "\t" }
        $1 != visitor || $2 - second >= 1800 { n[$4]++ }
        { visitor = $1; second = $2 }
        END { for (host in n) print n[host] "\t" host }"""
    expected = {_bytes_of(host): int(n) for n, host in awk(openings, by_visitor)}

    assert _stored(history, "split_part(referrer, '/', 1)", "step = 1") == expected


def _bytes_of(escaped: str) -> str:
    r"""The text of bytes that the server has written as `\xe4`."""
    return (
        escaped.encode("latin-1")
        .decode("unicode-escape")
        .encode("latin-1")
        .decode("utf-8", "replace")
    )


def _counted(key: str, text: str) -> Counter[str]:
    program = f'{{ {key}; n[key]++ }} END {{ for (key in n) print n[key] "\t" key }}'
    return Counter({key: int(number) for number, key in awk(program, text)})


def _stored(history: History, what: str, where: str = "true") -> Counter[str]:
    sql = f"SELECT {what}, count(*) FROM hits WHERE {where} GROUP BY 1"  # nosec: ours
    return Counter(dict(history.rows(sql)))
