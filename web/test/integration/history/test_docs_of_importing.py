"""The page on importing: each command runs, in order, and says what it shows."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from page_tracker.history.formats import FORMATS
from page_tracker.processes.embedded import redis_of
from page_tracker.settings import Settings
from support.documentation import page
from support.importing import AGENT, line

PAGE = page("guides/importing")
COMMANDS = re.findall(r"^    (.*page-tracker .*)$", PAGE, re.MULTILINE)


def _log(folder: Path) -> None:
    first = line("/a", 0)
    lines = [
        first,
        line("/b", 5),
        line("/c", 60 * 24),
        line("/style.css"),
        first.replace(" 200 ", " 301 "),
        first.replace(" 200 ", " 404 "),
        first.replace(AGENT, "Googlebot/2.1 (+http://www.google.com/bot.html)"),
        "nonsense\n",
    ]
    (folder / "access.log").write_text("".join(lines))
    with gzip.open(folder / "access.log.1.gz", "wt") as older:
        older.write(line("/older", -60 * 24))


def test_every_command_runs_and_the_first_import_says_what_is_shown(
    tmp_path: Path,
) -> None:
    _log(tmp_path)
    program = tmp_path / "bin" / "page-tracker"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m page_tracker "$@"\n')
    program.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PAGE_TRACKER_DATA": str(tmp_path / "data"),
    }
    environment.pop("REDIS_URL", None)
    said: dict[str, str] = {}
    with redis_of(Settings(data=tmp_path / "data")):
        for command in (each for each in COMMANDS if "--follow" not in each):
            done = subprocess.run(  # nosec B607 # the machine's own program
                ["sh", "-c", command],
                cwd=tmp_path,
                env=environment,
                input="y\n",  # to what it asks before an import is taken out
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{command}: {done.stderr}"
            said.setdefault(command, done.stdout)

    shown = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert said["page-tracker import example.com access.log"] == shown[0]
    assert "example.com  " in said["page-tracker import --list"]
    summary = json.loads(said["page-tracker import example.com access.log --json"])
    assert summary["lines"] == summary["pageviews"] + sum(summary["left_out"].values())
    for name in summary:
        assert f"`{name}`" in PAGE or name == "dry_run"


def test_every_format_is_documented_as_it_is() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", PAGE, re.MULTILINE)
    named = {name: says for name, says in rows if name in FORMATS}

    assert list(named) == list(FORMATS)
    assert all(
        named[name].startswith(each.description) for name, each in FORMATS.items()
    )
