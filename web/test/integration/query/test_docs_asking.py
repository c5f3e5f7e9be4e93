"""Each example of guides/asking.md is run; each metric and dimension is in it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from page_tracker.query.catalog import DIMENSIONS, METRICS, TIME_BUCKETS
from page_tracker.query.dates import WORDS
from page_tracker.query.typed_filters import short_name
from support import commands
from support.documentation import page
from support.pace import ANSWER_SECONDS
from support.processes import clean_environment, serving, wait_until
from support.transcripts import steps

ASKING = page("guides/asking")
EXAMPLES = [step for step in steps(ASKING) if step.command.startswith("page-tracker")]
REQUEST = re.compile(
    r"`(?P<method>GET|DELETE|POST|PATCH) (?P<path>/api/[^`<]+)`"
    r"(?::\n\n```json\n(?P<body>.+?)```)?",
    re.DOTALL,
)
# Those that say what is sent, and those that send nothing but name a site.
REQUESTS = [
    found.groupdict()
    for found in REQUEST.finditer(ASKING)
    if found["body"] or "example.com" in found["path"]
]
LOG = Path(__file__).parents[2] / "data" / "apache_combined.log.gz"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder to work in, whose data has the log of example.com."""
    found = tmp_path_factory.mktemp("asking")
    for command in ("site add example.com", f"import example.com {LOG}"):
        run(f"page-tracker {command}", found)
    yield found


def run(command: str, folder: Path) -> str:
    name, *arguments = shlex.split(command)
    assert name == "page-tracker"
    environment = clean_environment(PAGE_TRACKER_DATA=str(folder / "data"))
    done = commands.run(*arguments, environment=environment, folder=folder)
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout


def test_every_example_says_something(folder: Path) -> None:
    assert len(EXAMPLES) > 15
    for example in EXAMPLES:
        said = run(example.command, folder)
        assert said.strip() and "No hits." not in said, example
        assert example.output in said


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    """The address of a server on that folder."""
    with serving(folder / "data") as running:
        yield running.url


def test_every_request_over_http_is_answered(folder: Path, server: str) -> None:
    """In the order of the page: some make what later ones ask about."""
    text = run("page-tracker token add --all-sites --scope admin", folder).strip()
    header = {"Authorization": f"Bearer {text}"}
    assert len(REQUESTS) > 20
    for asked in REQUESTS:

        def is_answered(said: dict[str, str | None] = asked) -> bool:
            answer = requests.request(
                str(said["method"]),
                f"{server}{said['path']}",
                json=json.loads(said["body"]) if said["body"] else None,
                headers=header,
                timeout=ANSWER_SECONDS,
            )
            is_question = said["path"] == "/api/v2/query"
            # A goal or segment is known to all processes within a second.
            assert answer.ok or is_question and answer.status_code == 400, said
            return answer.ok and (not is_question or bool(answer.json()["results"]))

        wait_until(is_answered)


def test_every_dimension_and_period_is_named() -> None:
    names = {short_name(name) for name in [*DIMENSIONS, *TIME_BUCKETS]} | set(WORDS)

    assert not {name for name in names if f"`{name}`" not in ASKING}


def test_every_metric_has_its_paragraph() -> None:
    text = page("reference/metrics")

    assert set(METRICS) <= set(re.findall(r"^## (\w+)$", text, re.MULTILINE))
