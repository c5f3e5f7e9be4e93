"""The lake stays small, by the simulation that also runs a whole year."""

import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[3] / "bench" / "year.py"


def test_a_hit_every_ten_seconds_stays_within_files_and_bytes() -> None:
    short = ["--days", "2", "--hit-by-hit", "1", "--hits-of-those", "150"]

    ended = subprocess.run(
        [sys.executable, BENCH, *short], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "files" in ended.stdout
