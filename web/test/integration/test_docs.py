"""The documentation says what the code does."""

import re
from pathlib import Path

import pytest

from page_tracker.commands.serve import serve
from page_tracker.hits.hit import Reason
from page_tracker.lake.table import TABLES
from page_tracker.protocols import PROTOCOLS
from page_tracker.schema import Column
from page_tracker.settings import described_settings
from page_tracker.web.script_names import WORDS
from support.command_reference import rendered
from support.documentation import PAGES, ROOT, page
from support.transcripts import section

# What a file of ours is named from.
ROOTS = (
    ROOT,
    ROOT / "web",
    ROOT / "web" / "src" / "page_tracker",
    ROOT / "web" / "test",
)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)")


def test_every_setting_is_documented_as_it_is() -> None:
    rows = re.findall(
        r"^\| `([A-Z_]+)` \| (?:`--([a-z-]+)`)? ?\| (.+?) \| (.+?) \|$",
        page("reference/settings"),
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


def test_the_page_of_commands_is_what_they_say_of_themselves() -> None:
    assert page("reference/commands") == rendered(), "run scripts/document-commands"


@pytest.mark.parametrize("name, columns", TABLES.items())
def test_every_column_of_the_lake_is_documented_as_it_is(
    name: str, columns: tuple[Column, ...]
) -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (\w+)(?: or (null))? \| (\d*) \| (.+) \|$",
        section(page("reference/lake"), name),
        re.MULTILINE,
    )

    assert rows == [
        (
            column.name,
            column.type,
            "null" if column.nullable else "",
            str(column.limit or ""),
            column.description,
        )
        for column in columns
    ]


def test_every_reason_of_a_drop_is_documented_and_no_other() -> None:
    text = page("reference/collecting")
    section = text.partition("## What does not count")[2].partition("##")[0]

    rows = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)

    assert sorted(rows) == sorted(Reason)


def test_every_sender_s_address_is_documented() -> None:
    text = page("reference/collecting")

    assert [path for path in PROTOCOLS if f"{path}`" not in text] == []


def test_every_word_in_the_name_of_a_plausible_script_is_documented() -> None:
    text = page("reference/other-trackers")
    [row] = re.findall(r"^\| `/js/script\.WORD.*", text, re.MULTILINE)
    words = re.findall(r"`([a-z-]+)`", row.partition("in any order: ")[2])

    assert sorted(words) == sorted(WORDS)


def test_no_variable_is_documented_that_does_not_exist() -> None:
    known = {setting.variable for setting in described_settings().values()}
    named = {
        name
        for path in PAGES
        for name in re.findall(r"PAGE_TRACKER_[A-Z_]+", path.read_text("utf-8"))
    }

    assert named <= known


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_leads_to_a_file_and_to_a_heading_of_it(path: Path) -> None:
    broken = []
    for target, anchor in LINK.findall(path.read_text("utf-8")):
        file = path.parent / target if target else path
        if not file.exists() or anchor and anchor not in _anchors(file):
            broken.append(f"{target}#{anchor}")

    assert not broken


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_lines_of_prose_are_read_without_scrolling(path: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.M | re.DOTALL)
    lines = [
        line for line in prose.splitlines() if line[:1] != "|" and line[:4].strip()
    ]

    assert [line for line in lines if len(line) > 88] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_file_of_ours_that_is_named_is_there(path: Path) -> None:
    named = re.findall(
        r"`((?:[\w.-]+/)+[\w-]+\.(?:py|lua|js|yml))`", path.read_text("utf-8")
    )

    assert [each for each in named if not any((r / each).exists() for r in ROOTS)] == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    ahead = [ROOT / "README.md"]
    while ahead:
        path = ahead.pop()
        if path in reached:
            continue
        reached.add(path)
        links = [target for target, _ in LINK.findall(path.read_text("utf-8"))]
        ahead += [
            (path.parent / each).resolve() for each in links if each[-3:] == ".md"
        ]

    assert [path for path in PAGES if path not in reached] == []


def test_the_first_commands_of_the_readme_serve_and_test() -> None:
    commands = re.findall(r"^    (scripts/\S+)", (ROOT / "README.md").read_text(), re.M)

    assert commands[:2] == ["scripts/serve", "scripts/test"]


def _anchors(file: Path) -> set[str]:
    """The anchors that a forge gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in headings
    }
