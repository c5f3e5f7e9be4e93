"""The commands of the README run when they are pasted, and print what it shows."""

import os
import re
from pathlib import Path

import requests

from support.documentation import ROOT
from support.importing import AGENT
from support.processes import clean_environment, serving
from support.transcripts import printed, section, steps

README = (ROOT / "README.md").read_text("utf-8")
ADDRESS = "http://127.0.0.1:8000"


def test_the_readme_s_commands_print_what_it_shows(tmp_path: Path) -> None:
    start = steps(section(README, "Run it"))[0]
    minutes = steps(section(README, "The first five minutes"))
    assert start.command == "scripts/serve"  # which is tried as `serving` here
    assert sum(bool(step.output) for step in minutes) >= 4

    data = tmp_path / "data"
    with serving(data) as server:
        said = server.said_without_secret().replace(server.url, ADDRESS)
        assert said == start.output.replace(
            "/home/you/.local/share/page-tracker", str(data)
        )
        environment = clean_environment(
            PAGE_TRACKER_DATA=str(data), PATH=os.environ["PATH"]
        )
        [badge] = re.findall(rf"`{ADDRESS}(/hit/\S+)`", README)
        for step in minutes:
            if step.command.endswith("--live"):
                seen = requests.get(
                    server.url + badge, headers={"User-Agent": AGENT}, timeout=60
                )
                assert "views: 1" in seen.text
            output = printed(step, ROOT, environment)
            assert step.output in output.replace(server.url, ADDRESS), step.command
