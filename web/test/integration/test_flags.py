"""The file of flags: followed without a restart, and never the end of a page."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from page_tracker import app as app_module
from page_tracker.flags.declared import EXPERIMENTS_PAGE
from page_tracker.flags.file import FlagFile
from page_tracker.flags.provider import Flags
from page_tracker.people.roles import Role
from support import commands
from support.application import application
from support.documentation import page
from support.people import Visitor, signed_in
from support.processes import clean_environment
from support.transcripts import steps

NAME = EXPERIMENTS_PAGE.name
FOR_ADA = {"if": [{"==": [{"var": "person"}, "Ada"]}, "on", "off"]}


def definition(**changes: Any) -> dict[str, Any]:
    return {
        "state": "ENABLED",
        "variants": {"on": True, "off": False},
        "defaultVariant": "off",
        **changes,
    }


def put(folder: Path, *, name: str = NAME, **changes: Any) -> None:
    """The file with one flag, as an editor replaces it."""
    text = json.dumps({"flags": {name: definition(**changes)}})
    put_text(folder, text)


def put_text(folder: Path, text: str) -> None:
    (folder / "new").write_text(text, "utf-8")
    os.replace(folder / "new", folder / "flags.json")


@pytest.fixture
def flags(tmp_path: Path) -> Flags:
    return Flags(FlagFile(tmp_path / "flags.json"))


def is_on(flags: Flags, person: str = "", site: str = "") -> bool:
    return flags.is_on(EXPERIMENTS_PAGE, person, site)


def test_a_flag_is_what_it_is_declared_to_be_without_a_file(
    flags: Flags, tmp_path: Path
) -> None:
    assert is_on(flags)
    put(tmp_path)
    assert not is_on(flags)
    (tmp_path / "flags.json").unlink()
    assert is_on(flags)


def test_the_file_decides_for_a_person_a_site_or_a_share_of_all(
    flags: Flags, tmp_path: Path
) -> None:
    put(tmp_path, targeting=FOR_ADA)
    assert is_on(flags, "Ada") and not is_on(flags, "Bob")
    put(tmp_path, targeting={"if": [{"in": [{"var": "site"}, ["a.org"]]}, "on"]})
    assert is_on(flags, "Bob", "a.org") and not is_on(flags, "Bob", "b.org")
    put(tmp_path, targeting={"fractional": [["on", 10], ["off", 90]]})
    assert 70 < sum(is_on(flags, f"person {n}") for n in range(1000)) < 130
    put(tmp_path, targeting=FOR_ADA, state="DISABLED")
    assert is_on(flags, "Bob"), "as declared"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "it is not JSON"),
        ("[]", "the file is not a JSON object"),
        ('{"flags": {"other": {}}}', "other: there is no such flag"),
        (json.dumps({"flags": {NAME: definition(state="ON")}}), "state is 'ON'"),
        (
            json.dumps({"flags": {NAME: definition(variants={"on": 1})}}),
            "a variant is neither true nor false",
        ),
        (
            json.dumps({"flags": {NAME: definition(defaultVariant="x")}}),
            "defaultVariant is 'x'",
        ),
        (
            json.dumps({"flags": {NAME: definition(targeting={"sem_ver": []})}}),
            "there is no operator 'sem_ver'",
        ),
        (json.dumps({"flags": {}, "$evaluators": {}}), "'$evaluators' is unknown"),
    ],
)
def test_a_broken_file_changes_nothing_and_is_told_of_once(
    flags: Flags, tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str, why: str
) -> None:
    put(tmp_path, targeting=FOR_ADA)
    assert is_on(flags, "Ada")
    put_text(tmp_path, text)

    with caplog.at_level(logging.ERROR):
        assert is_on(flags, "Ada") and not is_on(flags, "Bob")

    (record,) = caplog.records
    assert why in flags.problem()
    assert record.getMessage() == flags.problem()
    assert f"{tmp_path / 'flags.json'} is invalid and is ignored" in record.getMessage()


def test_a_rule_that_names_no_variant_leaves_the_flag_as_declared(
    flags: Flags, tmp_path: Path
) -> None:
    put(tmp_path, targeting="maybe")

    decided = flags.decided(EXPERIMENTS_PAGE, "", "")
    assert decided.value and "'maybe'" in decided.problem


def test_the_command_lists_them_and_says_what_is_wrong_with_the_file(
    tmp_path: Path,
) -> None:
    def run(*words: str) -> Any:
        environment = clean_environment(PAGE_TRACKER_DATA=str(tmp_path))
        return commands.run("flags", *words, environment=environment, folder=tmp_path)

    put(tmp_path, targeting=FOR_ADA)
    assert f"{NAME}  on  its rule" in run("--person", "Ada").stdout
    (line,) = json.loads(run("--person", "Bob", "--json").stdout)
    assert (line["flag"], line["is_on"], line["by"]) == (NAME, False, "its rule")
    put_text(tmp_path, "{")
    broken = run()
    assert broken.returncode == 1
    assert broken.stderr.count("is invalid and is ignored: it is not JSON") == 1


@pytest.fixture
def owner(redis_url: str, tmp_path: Path) -> Iterator[Visitor]:
    with application(redis_url, tmp_path):
        app_module.sites().add("a.org", {})
        yield signed_in("Ada", Role.OWNER)


def test_who_has_a_feature_turned_off_meets_it_nowhere(
    owner: Visitor, tmp_path: Path
) -> None:
    assert "/a.org/experiments" in owner.get("/a.org").text
    assert owner.get("/a.org/experiments").status_code == 200
    assert "declared default" in owner.get("/flags").text

    put(tmp_path, targeting={"if": [{"==": [{"var": "site"}, "a.org"]}, "off", "on"]})

    assert "/a.org/experiments" not in owner.get("/a.org").text
    missing = owner.get("/a.org/experiments")
    assert missing.status_code == 404 and NAME in missing.text
    shown = owner.get("/flags?site=a.org").text
    assert "off" in shown and "its rule" in shown
    put_text(tmp_path, "{")
    assert "it is not JSON" in owner.get("/flags").text


def test_the_page_of_flags_shows_a_file_that_does_as_it_says(tmp_path: Path) -> None:
    text = page("reference/flags")
    environment = clean_environment(PAGE_TRACKER_DATA=str(tmp_path))
    for step in steps(text):
        words = step.command.split()[1:]
        done = commands.run(*words, environment=environment, folder=tmp_path)
        assert done.returncode == 0 and step.output in done.stdout
    (shown,) = re.findall(r"^```json\n(.+?)^```$", text, re.MULTILINE | re.DOTALL)
    put_text(tmp_path, shown)

    flags = Flags(FlagFile(tmp_path / "flags.json"))

    assert is_on(flags, "Ada") and is_on(flags, "Bob", "example.org")
    assert 70 < sum(is_on(flags, f"person {n}", "b.org") for n in range(1000)) < 130
    assert not flags.problem()
