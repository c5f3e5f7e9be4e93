"""The real log, imported, beside what GoAccess makes of it (https://goaccess.io).

Both count requests: the lines, the answers, and how often each page was shown. They
differ by definition where GoAccess

- reads a line whose user agent has no end, which is malformed here;
- counts images, feeds and the like as requests of their own kind ("static"), and has
  another list of them: the pages compared are those that are no files here;
- counts other methods than GET beside the same path;
- goes by another list of bots: it is given the lines of people alone.
"""

from __future__ import annotations

import gzip
import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from page_tracker.history.blocks import STATIC, ending_of
from page_tracker.lookups.load import load
from support.importing import LOG, History

# So many parts a line of the combined format has between its quotes.
QUOTED = 7


def goaccess(folder: Path, lines: list[str], *options: str) -> dict[str, Any]:
    """What GoAccess says of lines in the combined format."""
    log, report = folder / "given.log", folder / "goaccess.json"
    log.write_text("".join(lines), encoding="utf-8")
    subprocess.run(
        (
            *("goaccess", str(log), "--log-format=COMBINED", "--no-global-config"),
            *("--no-query-string", "--max-items=100000", "-o", str(report), *options),
        ),
        check=True,
        capture_output=True,
    )
    said: dict[str, Any] = json.loads(report.read_text("utf-8", "replace"))
    return said


@pytest.fixture(name="lines", scope="module")
def lines_of_the_log() -> list[str]:
    return gzip.decompress(LOG.read_bytes()).decode("utf-8").splitlines(keepends=True)


def test_lines_and_answers_are_those_that_goaccess_counts(
    history: History, tmp_path: Path, lines: list[str]
) -> None:
    whole = [line for line in lines if line.count('"') == QUOTED - 1]
    said = goaccess(tmp_path, whole)
    tally = history.run(LOG).tally

    general, malformed = said["general"], tally.left_out["malformed"]
    assert general["valid_requests"] == tally.lines - malformed == 9_999
    answers = _answers(said)
    assert tally.left_out["error"] == sum(
        number for status, number in answers.items() if status >= "400"
    )
    assert tally.left_out["redirect"] == sum(
        number for status, number in answers.items() if status[0] == "3"
    ) - answers.get("304", 0)


def test_goaccess_reads_a_line_whose_user_agent_has_no_end(
    history: History, tmp_path: Path, lines: list[str]
) -> None:
    general = goaccess(tmp_path, lines)["general"]

    assert (general["valid_requests"], general["failed_requests"]) == (10_000, 0)
    assert history.run(LOG).tally.left_out["malformed"] == 1


def test_each_page_was_shown_as_often_as_goaccess_counts(
    history: History, tmp_path: Path, lines: list[str]
) -> None:
    bot_of = load().bot_of
    parts = [(line, line.split('"')) for line in lines]
    people = [
        (line, quoted[2].split()[0])
        for line, quoted in parts
        if len(quoted) == QUOTED and bot_of(quoted[5]) is None
    ]
    not_shown = {status for _, status in people if status[0] != "2"} - {"304"}
    said = goaccess(
        tmp_path,
        [line for line, _ in people],
        *(f"--ignore-status={status}" for status in sorted(not_shown)),
    )
    history.run(LOG)

    expected: Counter[str] = Counter()
    for panel in ("requests", "static_requests"):
        for each in said[panel]["data"]:
            if each["method"] == "GET" and ending_of(each["data"]) not in STATIC:
                expected[unquote(each["data"]).rstrip()] += each["hits"]["count"]
    stored = history.rows("SELECT path, count(*) FROM hits GROUP BY path")
    assert Counter(dict(stored)) == expected
    assert expected.total() == 1_550


def _answers(said: dict[str, Any]) -> dict[str, int]:
    """Requests by the status of their answers, from `404 - Not Found: …`."""
    return {
        each["data"].split()[0]: each["hits"]["count"]
        for kind in said["status_codes"]["data"]
        for each in kind["items"]
    }
