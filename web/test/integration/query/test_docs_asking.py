"""Each example of the documentation is run; each metric and dimension is in it."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from page_tracker.query.catalog import DIMENSIONS, METRICS, TIME_BUCKETS
from page_tracker.query.dates import WORDS
from page_tracker.query.parse import Known, parse
from page_tracker.query.words import short_name
from support.processes import BIN, clean_environment

DOCS = Path(__file__).parents[4] / "docs"
ASKING = (DOCS / "asking.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^    (page-tracker .+)$", ASKING, re.MULTILINE)
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
    done = subprocess.run(
        [BIN / name, *arguments],
        env=clean_environment(PAGE_TRACKER_DATA=str(folder / "data")),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout


@pytest.mark.timeout(180)
def test_every_example_says_something(folder: Path) -> None:
    assert len(EXAMPLES) > 15
    for example in EXAMPLES:
        said = run(example, folder)
        assert said.strip() and "No hits." not in said, example


def test_the_body_of_the_documentation_is_a_question() -> None:
    (body,) = re.findall(r"```json\n(.+?)```", ASKING, re.DOTALL)
    known = Known("example.com", "UTC", datetime.now(UTC), date.today)

    assert parse(json.loads(body), known).total_rows


def test_every_dimension_and_period_is_named() -> None:
    names = {short_name(name) for name in [*DIMENSIONS, *TIME_BUCKETS]} | set(WORDS)

    assert not {name for name in names if f"`{name}`" not in ASKING}


def test_every_metric_has_its_paragraph() -> None:
    text = (DOCS / "metrics.md").read_text(encoding="utf-8")

    assert set(re.findall(r"^## (\w+)$", text, re.MULTILINE)) == set(METRICS)
