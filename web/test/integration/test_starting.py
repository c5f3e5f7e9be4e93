"""Commands begin at once: none loads an engine that what is asked does not need."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from page_tracker.lake.table import Lake
from page_tracker.processes.answers import listening
from page_tracker.query.engine import Engine
from page_tracker.query.lake_asking import LakeAsking
from page_tracker.query.snapshot import Reading
from page_tracker.settings import Settings
from support.answering import answering

ENGINES = frozenset(
    {"duckdb", "deltalake", "arro3", "ua_parser", "flask", "openfeature"}
)
# Runs a command, and says in the end what it has loaded.
RUNNING = """
import atexit, sys

from page_tracker.cli import main

atexit.register(lambda: print("LOADED", *sys.modules))
main()
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(redis_url: str, redis_client: Redis, tmp_path: Path) -> Iterator[Run]:
    """Runs a command on a data folder with a site."""
    redis_client.flushall()
    environment = {
        **os.environ,
        "REDIS_URL": redis_url,
        "PAGE_TRACKER_DATA": str(tmp_path),
    }

    def running(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            (sys.executable, "-c", RUNNING, *words),
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    added = running("site", "add", "example.com")
    assert added.returncode == 0
    assert not engines(added)
    yield running
    redis_client.flushall()


def engines(done: "subprocess.CompletedProcess[str]") -> frozenset[str]:
    loaded = done.stdout.rpartition("LOADED ")[2].split()
    assert "page_tracker.cli" in loaded
    return ENGINES.intersection(loaded)


@pytest.mark.parametrize(
    ("words", "status", "shown"),
    [
        ("--help", 0, "Ask about the counts of SITE."),
        ("serve --help", 0, "--port"),
        ("query --help", 0, "--metrics"),
        ("query example.com --json --csv", 2, "choose one of --json"),
        ("query example.com --limit many", 2, "is not a valid integer"),
        ("site list", 0, "example.com"),
        ("site show example.com", 0, "data-domain"),
        ("site set example.com --timezone Europe/Berlin", 0, "Europe/Berlin"),
        ("goal add example.com --event Signup", 0, "Signup"),
        ("goal list example.com", 0, "no goal yet"),
        ("token list", 0, "There is no token yet"),
    ],
)
def test_what_asks_nothing_of_the_lake_loads_no_engine(
    run: Run, words: str, status: int, shown: str
) -> None:
    done = run(*words.split())

    assert shown in done.stdout + done.stderr
    assert done.returncode == status
    assert not engines(done)


def test_an_engine_that_is_needed_would_be_found(run: Run) -> None:
    assert engines(run("query", "example.com")) == {"duckdb", "deltalake", "arro3"}


def test_a_question_that_a_server_answers_loads_no_engine(
    run: Run, tmp_path: Path
) -> None:
    here = LakeAsking(Reading(Lake(str(tmp_path / "lake"))), Engine(threads=1))
    with listening(Settings(data=tmp_path)) as asked, answering(asked, here):
        done = run("query", "example.com")

    assert "nothing of example.com was counted yet" in done.stdout
    assert not engines(done)
