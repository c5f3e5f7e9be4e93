"""The text of a release is what the changelog says of it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from support.containers import ROOT

CHANGELOG = """# Changelog

## [Unreleased]

- What comes next.

## [1.2.3] - 2026-11-28

### Added

- A line that
  goes on.
- Another one.

## [1.2.2] - 2026-11-01

- What was before.
"""
TEXT = """### Added

- A line that goes on.
- Another one.
"""


@pytest.fixture(name="project")
def write_project(tmp_path: Path) -> Path:
    """What the script reads, of a project whose version is 1.2.3."""
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG, "utf-8")
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "release-text", tmp_path / "scripts")
    for each in ("web", "client"):
        (tmp_path / each).mkdir()
        (tmp_path / each / "pyproject.toml").write_text('version = "1.2.3"\n')
    return tmp_path


def text_of(tag: str, project: Path) -> "subprocess.CompletedProcess[str]":
    command = [str(project / "scripts" / "release-text"), tag]
    return subprocess.run(command, capture_output=True, check=False, text=True)


def test_a_version_s_text_is_its_section_without_the_changelog_s_line_ends(
    project: Path,
) -> None:
    """The page of a release would show each of them."""
    assert text_of("v1.2.3", project).stdout == TEXT


@pytest.mark.parametrize(
    ("tag", "changed", "content", "refusal"),
    [
        ("1.2.3", "CHANGELOG.md", CHANGELOG, "1.2.3 is no tag of a version"),
        ("v1.2.2", "CHANGELOG.md", CHANGELOG, "web/pyproject.toml has version 1.2.3"),
        ("v1.2.3", "client/pyproject.toml", 'version = "1.2.2"\n', "client/pyproject"),
        (
            "v1.2.3",
            "CHANGELOG.md",
            "## [1.2.2] - 2026-11-01\n\n- It.\n",
            "nothing under",
        ),
        ("v1.2.3", "CHANGELOG.md", "## [1.2.3] - 2026-11-28\n\n", "nothing under"),
    ],
)
def test_a_tag_that_names_another_version_is_refused(
    tag: str, changed: str, content: str, refusal: str, project: Path
) -> None:
    """Nothing is published under it."""
    (project / changed).write_text(content, "utf-8")
    ended = text_of(tag, project)

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert refusal in ended.stderr
