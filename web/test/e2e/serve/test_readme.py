"""The commands of the README run when they are pasted, in their order."""

import os
import re
import subprocess
from pathlib import Path

from support.processes import clean_environment, serving

ROOT = Path(__file__).parents[4]


def test_the_commands_of_the_readme_run_when_pasted(tmp_path: Path) -> None:
    section = (ROOT / "README.md").read_text().partition("## Run it\n")[2]
    blocks = re.findall(r"(?:^    .+\n)+", section.partition("\n## ")[0], re.MULTILINE)
    start, pasted = blocks[0], blocks[2]
    assert start.strip() == "scripts/serve"  # which is tried as `serving` here
    assert pasted.count("page-tracker ") >= 3

    data = tmp_path / "data"
    with serving(data):
        ended = subprocess.run(
            ["/bin/sh", "-e", "-c", pasted],
            cwd=ROOT,
            env=clean_environment(PAGE_TRACKER_DATA=str(data), PATH=os.environ["PATH"]),
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
        )

    assert ended.returncode == 0, ended.stderr
    assert "page-tracker: " not in ended.stderr
    assert "Added example.org" in ended.stdout
    assert re.search(r"^PAGE +VISITORS +PAGEVIEWS", ended.stdout, re.MULTILINE)
