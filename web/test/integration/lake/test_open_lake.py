"""The lake is open: the lines of docs/reference/lake.md, run as they stand there."""

import re
from pathlib import Path

import pytest

from page_tracker.lake.table import Lake, append
from page_tracker.schema import HITS
from support.documentation import page
from support.hits import row

TEXT = page("reference/lake")
EXAMPLES = dict(re.findall(r"### (\w+)\n.*?```python\n(.*?)```", TEXT, re.DOTALL))


@pytest.mark.parametrize("engine", ["DuckDB", "Polars"])
def test_the_documented_lines_read_the_table(
    engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hits = Lake(str(tmp_path / "lake")).snapshot("hits")
    append(hits, HITS, [row("/a", 20_700), row("/a", 20_701, visit=2)], "x", 1)
    lines = EXAMPLES[engine].replace("/srv/page-tracker/lake", str(tmp_path / "lake"))

    # What people paste is run as it is.
    exec(lines, {})  # pylint: disable=exec-used # nosec B102

    said = capsys.readouterr().out
    assert "/a" in said and "2" in said
