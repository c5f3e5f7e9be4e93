"""The documentation says what the code does."""

import re
from pathlib import Path

import pytest

from page_tracker.commands.serve import serve
from page_tracker.hits.hit import Reason
from page_tracker.protocols import PROTOCOLS
from page_tracker.settings import described_settings

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def test_every_setting_is_documented_as_it_is() -> None:
    rows = re.findall(
        r"^\| `([A-Z_]+)` \| (?:`--([a-z-]+)`)? ?\| (.+?) \| (.+?) \|$",
        (ROOT / "docs" / "settings.md").read_text(),
        re.MULTILINE,
    )
    options = {parameter.name for parameter in serve.params}

    assert rows == [
        (
            setting.variable,
            name.replace("_", "-") if name in options else "",
            setting.default,
            setting.help,
        )
        for name, setting in described_settings().items()
    ]


def test_every_reason_of_a_drop_is_documented_and_no_other() -> None:
    text = (ROOT / "docs" / "collecting.md").read_text()
    section = text.partition("## What does not count")[2].partition("##")[0]

    rows = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)

    assert sorted(rows) == sorted(Reason)


def test_every_sender_s_address_is_documented() -> None:
    text = (ROOT / "docs" / "collecting.md").read_text()

    assert [path for path in PROTOCOLS if f"{path}`" not in text] == []


def test_no_variable_is_documented_that_does_not_exist() -> None:
    known = {setting.variable for setting in described_settings().values()}
    named = {
        name
        for page in PAGES
        for name in re.findall(r"PAGE_TRACKER_[A-Z_]+", page.read_text())
    }

    assert named <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = LINK.findall(page.read_text())

    assert not [link for link in links if not (page.parent / link).exists()]


def test_the_first_commands_of_the_readme_serve_and_test() -> None:
    commands = re.findall(r"^    (scripts/\S+)", (ROOT / "README.md").read_text(), re.M)

    assert commands[:2] == ["scripts/serve", "scripts/test"]
