"""What a command does where its output cannot be written, or nobody reads it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from page_tracker.cli import main
from page_tracker.store.registry import SITES_KEY, TOKENS_KEY
from support.pace import PACE
from support.processes import BIN, clean_environment, command

LINES = (
    *("--help", "--version", "site list", "site show a.example", "token list --json"),
    *("token add --all-sites --scope stats", "goal list a.example", "doctor"),
    *("query a.example", "query a.example --csv", "delete a.example --dry-run"),
    *("update --only spam", "upkeep", "import --list"),
)
PREFIX = "page-tracker: "
FULL = (
    f"{PREFIX}the output cannot be written (No space left on device);"
    " make room where it goes, or send it elsewhere"
)


@pytest.fixture(scope="module")
def environment(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Of a data folder with a site in it."""
    data = tmp_path_factory.mktemp("output")
    found = {"REDIS_URL": redis_url, "PAGE_TRACKER_DATA": str(data)}
    with Redis.from_url(redis_url) as client:
        client.delete(SITES_KEY, TOKENS_KEY)
        command("site", "add", "a.example", **found)
        yield found
        client.delete(SITES_KEY, TOKENS_KEY)


def shell(
    line: str, environment: dict[str, str], errors: int = subprocess.PIPE
) -> "subprocess.CompletedProcess[str]":
    """Run a line of a shell, in which `page-tracker` is ours."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", line],
        env=clean_environment(**environment, PATH=path),
        stderr=errors,
        check=False,
        text=True,
        timeout=60 * PACE,
    )


@pytest.mark.parametrize("line", LINES)
def test_a_full_disk_behind_the_output_is_told_in_one_line(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    line: str,
) -> None:
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        monkeypatch.setattr("sys.stdout", full)
        with pytest.raises(SystemExit) as ended:
            main.main(line.split())

    assert ended.value.code == 1
    told = [each for each in capsys.readouterr().err.splitlines() if PREFIX in each]
    assert told == [FULL]


@pytest.mark.parametrize("line", ["--help", "query a.example --csv"])
def test_the_process_ends_with_that_line(
    environment: dict[str, str], line: str
) -> None:
    ended = shell(f"page-tracker {line} > /dev/full", environment)

    assert (ended.returncode, ended.stderr) == (1, f"{FULL}\n")


def test_a_token_that_could_not_be_shown_is_not_kept(
    environment: dict[str, str],
) -> None:
    before = command("token", "list", "--json", **environment)

    shell("page-tracker token add --all-sites --scope admin > /dev/full", environment)

    assert command("token", "list", "--json", **environment) == before


@pytest.mark.parametrize("line", ["query a.example --json"])
def test_a_reader_that_has_had_enough_ends_a_command_quietly(
    environment: dict[str, str], line: str
) -> None:
    ended = shell(f"page-tracker {line} | true", environment)

    assert ended.stderr == ""


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_closed_streams_keep_no_command_from_its_work(
    environment: dict[str, str], closed: str
) -> None:
    assert shell(f"page-tracker site list {closed}", environment).returncode == 0


def test_where_errors_cannot_be_written_either_the_exit_code_says_it(
    environment: dict[str, str],
) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = shell("page-tracker site list > /dev/full", environment, full.fileno())
        assert ended.returncode == 1
        ended = shell("page-tracker site show b.example", environment, full.fileno())
        assert ended.returncode == 1
