"""What an import says to the person at the command line."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from page_tracker.cli import main
from page_tracker.processes.embedded import redis_of
from page_tracker.settings import Settings
from support.importing import AGENT, line, write

Run = Callable[..., Result]


@pytest.fixture(name="run", scope="module")
def runs_commands(tmp_path_factory: pytest.TempPathFactory) -> object:
    """Imports lines into a site of a data folder that all of these tests share."""
    folder = tmp_path_factory.mktemp("summary")
    runner = CliRunner(env={"PAGE_TRACKER_DATA": str(folder / "data")})

    def run(lines: list[str], *options: str) -> Result:
        log = write(folder / "access.log", lines)
        return runner.invoke(main, ["import", "example.com", str(log), *options])

    with redis_of(Settings(data=folder / "data")):
        runner.invoke(main, ["site", "add", "example.com"])
        yield run


def of_hosts(*hosts: str) -> list[str]:
    return [f"{host} {line(f'/{number}')}" for number, host in enumerate(hosts)]


def test_where_nearly_all_is_left_out_the_summary_begins_with_it(run: Run) -> None:
    lines = of_hosts(*["shop.example.net"] * 18, "a.example", "example.com")
    said = run(lines, "--dry-run").stdout.splitlines()

    assert said[0] == (
        "Nearly all lines (19 of 20) are left out as pages of other hosts:"
        " shop.example.net 18, a.example 1"
    )
    assert said[1].startswith("example.com: would import 2024-03-01 (combined-vhost)")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([line("/a").replace(AGENT, "curl/8.0")] * 20, "bots: curl 20"),
        ([line("/a").replace(" 200 ", " 503 ")] * 20, "errors: 503 20"),
        ([line("/a").replace("GET", "POST")] * 20, "other methods than GET: POST 20"),
        ([line("/a.css")] * 20, "static files: css 20"),
        (
            of_hosts(*(f"{letter}.example" for letter in "tsrqponmlkjihgfedcba")),
            "pages of other hosts: a.example 1, b.example 1, c.example 1, d.example 1,"
            " e.example 1, …",
        ),
    ],
)
def test_each_reason_is_told_with_its_examples(
    run: Run, lines: list[str], said: str
) -> None:
    first = run(lines, "--dry-run").stdout.splitlines()[0]

    assert first == f"Nearly all lines (20 of 20) are left out as {said}"


def test_json_says_it_too(run: Run) -> None:
    lines = of_hosts(*["shop.example.net"] * 18, "example.com", "example.com")
    said = json.loads(run(lines, "--dry-run", "--json").stdout)

    assert "shop.example.net 18" in said["most_left_out"]
    assert (said["left_out"], said["notes"]) == ({"other_host": 18}, [])


def test_what_is_known_or_usual_is_no_reason_to_worry(run: Run) -> None:
    lines = [line(f"/{number}") for number in range(20)]
    first = run(lines)
    again = run(lines)

    assert first.stdout.startswith("example.com: import 1 brought 2024-03-01")
    assert again.stdout.startswith("example.com: nothing new.")


def test_notes_and_malformed_lines_are_told_beside_the_figures(run: Run) -> None:
    without = [f"{line(f'/{number}')[:-1]}\n" for number in range(9)]
    without = [each.replace(f' "-" "{AGENT}"', "") for each in without]
    found = run([*without, "rub\x1b[1mbish\n"], "--dry-run")

    assert "line 10: malformed, left out: rub\ufffd[1mbish" in found.stderr
    assert "9 page views come from lines without a user agent" in found.stderr


def test_a_refusal_is_one_line(run: Run) -> None:
    found = run(["[pod/web] something\n"])

    assert (found.exit_code, found.stdout) == (1, "")
    [said] = found.stderr.splitlines()
    assert "'[pod/web] something'" in said and "no JSON object" in said
