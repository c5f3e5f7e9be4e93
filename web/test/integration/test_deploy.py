"""The files in deploy/: what can be said of them without installing them.

test/e2e/serve/test_docs_of_server.py installs them.
"""

import plistlib
import re
import subprocess
from pathlib import Path

import pytest

from page_tracker.settings import Settings, described_settings
from support.pace import ANSWER_SECONDS

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
UNIT = (DEPLOY / "page-tracker.service").read_text("utf-8")
WORST_EXPOSURE = "15"  # of 100, the most; what nobody has hardened has 96


def analyzed(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ("systemd-analyze", *arguments),
        capture_output=True,
        check=False,
        text=True,
        timeout=ANSWER_SECONDS,
    )


def test_systemd_understands_every_line_of_the_unit(tmp_path: Path) -> None:
    """It warns of a misspelt one, and goes on."""
    unit = tmp_path / "page-tracker.service"
    program = re.compile(r"^ExecStart=.*$", re.MULTILINE)
    unit.write_text(program.sub("ExecStart=/bin/true", UNIT))
    assert analyzed("verify", str(unit)).stderr == ""

    unit.write_text(unit.read_text().replace("ProtectHome=", "ProtectHomes="))
    assert "ProtectHomes" in analyzed("verify", str(unit)).stderr


@pytest.mark.parametrize(("taken_out", "status"), [("no such line", 0), ("Protect", 1)])
def test_the_unit_is_hardened(tmp_path: Path, taken_out: str, status: int) -> None:
    unit = tmp_path / "page-tracker.service"
    lines = [each for each in UNIT.splitlines() if taken_out not in each]
    unit.write_text("\n".join(lines))

    bound = f"--threshold={WORST_EXPOSURE}"
    ended = analyzed("security", "--offline=yes", bound, "--no-pager", str(unit))
    assert ended.returncode == status


def test_each_unit_of_two_colours_is_confined_as_the_one_server_is() -> None:
    text = (DEPLOY / "two-colours" / "confined.conf").read_text("utf-8")
    lines = [each for each in text.partition("[Service]\n")[2].splitlines() if each]

    assert len(lines) > 30
    assert [each for each in UNIT.splitlines() if each in lines] == lines


def test_the_settings_of_the_server_are_ones_that_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = (DEPLOY / "page-tracker.env").read_text().splitlines()
    given = dict(each.split("=", 1) for each in lines if not each.startswith("#"))
    for name, text in given.items():
        monkeypatch.setenv(name, text)

    assert set(given) <= {each.variable for each in described_settings().values()}
    settings = Settings.from_environment()
    assert str(settings.data) == "/var/lib/page-tracker"
    assert (
        settings.trusted_proxies.seen("127.0.0.1", "203.0.113.9").address
        == "203.0.113.9"
    )
    assert settings.trusted_proxies.seen("::1", "203.0.113.9").address == "203.0.113.9"


def test_launchd_starts_what_systemd_starts_with_the_same_settings() -> None:
    page = (ROOT / "docs" / "start" / "server.md").read_text("utf-8")
    command = re.search(r'^    (sed ".*page-tracker\.plist) \|', page, re.MULTILINE)
    assert command
    made = subprocess.check_output(
        ("sh", "-c", command[1].replace("/opt/page-tracker/", f"{ROOT}/")),
        env={"USER": "ada", "PATH": "/usr/bin:/bin"},
    )
    job = plistlib.loads(made)

    start = re.search(r"^ExecStart=(.*)$", UNIT, re.MULTILINE)
    assert start and job["ProgramArguments"] == start[1].split()
    assert job["UserName"] == "ada"
    settings = job["EnvironmentVariables"]
    assert settings["PAGE_TRACKER_DATA"].startswith("/Users/ada/")
    assert settings["PAGE_TRACKER_URL"] == "https://YOUR NAME"
    assert set(settings) == set(
        re.findall(r"^(\w+)=", (DEPLOY / "page-tracker.env").read_text(), re.MULTILINE)
    )
    assert str(job["ExitTimeOut"]) in UNIT
