"""Pages as transcripts: their commands, in order, and what they say is printed."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from support.pace import PACE
from support.processes import BIN

BLOCK = re.compile(r"((?:^    .*\n)+)|^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
TIMEOUT_SECONDS = 120 * PACE


@dataclass(frozen=True)
class Step:
    """A command as somebody types it, and what the page shows of its output."""

    command: str
    output: str = ""


def steps(text: str) -> list[Step]:
    """The indented commands of a text; a block `text` is what the last one printed."""
    found: list[Step] = []
    for commands, kind, output in BLOCK.findall(text):
        found += [Step(line.strip()) for line in commands.splitlines()]
        if kind == "text":
            found[-1] = Step(found[-1].command, output)
    return found


def section(text: str, heading: str) -> str:
    """The text below a heading of the second level, up to the next one."""
    found = text.partition(f"\n## {heading}\n")[2]
    assert found, f"there is no heading {heading!r}"
    return found.partition("\n## ")[0]


def printed(step: Step, folder: Path, environment: Mapping[str, str]) -> str:
    """Run a command by the shell and return its standard output; it must succeed.

    The programs of our virtual environment are found, as after its `activate`.
    """
    path = f"{BIN}{os.pathsep}{environment['PATH']}"
    ended = subprocess.run(
        ["/bin/sh", "-e", "-c", step.command],
        cwd=folder,
        env={**environment, "PATH": path},
        capture_output=True,
        check=False,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    assert ended.returncode == 0, f"{step.command}\n{ended.stderr}"
    return ended.stdout
