"""The lake is open: the lines of docs/reference/lake.md, run as they stand there."""

import re
from pathlib import Path

import pytest

from page_tracker.lake.table import Lake, append
from page_tracker.schema import DROPS, HITS
from support.documentation import page
from support.hits import row

TEXT = page("reference/lake")
VIEWS, SCAN, ASSISTANTS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("example", [VIEWS, SCAN], ids=["DuckDB", "Polars"])
def test_the_documented_lines_read_the_hits(
    example: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hits = Lake(str(tmp_path / "lake")).snapshot("hits")
    append(hits, HITS, [row("/a", 20_700), row("/a", 20_701, visit=2)], "x", 1)

    said = _printed(example, tmp_path, capsys)

    assert "/a" in said and "2" in said


def test_the_documented_lines_read_what_did_not_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drops = Lake(str(tmp_path / "lake")).snapshot("drops")
    append(
        drops, DROPS, [drop("AI assistant: ChatGPT-User", 6), drop("GPTBot", 9)], "x", 1
    )

    said = _printed(ASSISTANTS, tmp_path, capsys)

    assert "AI assistant: ChatGPT-User" in said and "6" in said
    assert "GPTBot" not in said


def drop(name: str, number: int) -> tuple[object, ...]:
    """So many hits of a bot that did not count on a day of 2026, as it lies there."""
    return (20_701, "example.com", "bot", name, number, "2026-09")


def _printed(example: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What lines of the page print, run as people paste them, of a lake in a folder."""
    lines = example.replace("/var/lib/page-tracker/lake", str(folder / "lake"))
    exec(lines, {})  # pylint: disable=exec-used # nosec B102
    return capsys.readouterr().out
