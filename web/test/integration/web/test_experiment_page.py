"""The page of experiments, beside what the same question is answered with elsewhere."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from page_tracker import app as app_module
from page_tracker.cli import main
from page_tracker.people.roles import Role
from page_tracker.web.pages.experiment_page import VERDICTS
from support.people import Visitor, signed_in
from support.sites_with_hits import PERIOD, shown, sites_with_hits

QUERY = f"{PERIOD}&groups=browser&goal=Pages"
EXPERIMENT = f"/a.org/experiments?{QUERY}"


@pytest.fixture(scope="module", autouse=True)
def environment(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    with sites_with_hits(redis_url, tmp_path_factory.mktemp("data")):
        yield


@pytest.fixture(scope="module")
def viewer() -> Visitor:
    return signed_in("Vera", Role.VIEWER)


FILTERED = "&control=Firefox&f=is~country~DE|FR&shares=Firefox=1,Chrome=99"


def answered(viewer: Visitor, curl: str) -> Any:
    """What the interface answers to a request."""
    words = shlex.split(curl)
    assert words[:2] == ["curl", "http://localhost/api/v2/experiment"]
    token = app_module.tokens().add("stats", ["a.org"])[1]
    headers = {"Authorization": f"Bearer {token}"}
    return viewer.client.post(
        "/api/v2/experiment", data=words[-1], headers=headers
    ).json


def test_the_page_its_files_the_command_and_the_interface_say_the_same(
    viewer: Visitor,
) -> None:
    how = viewer.get(f"/a.org/how/experiments?{QUERY}{FILTERED}").text
    command, curl = map(html.unescape, re.findall("<pre.*?<code>(.*?)</code>", how))
    answer = answered(viewer, curl)

    assert {each["code"] for each in answer["meta"]["warnings"]} == {
        *("too_few", "uneven_split")
    }
    page = shown(viewer, f"{EXPERIMENT}{FILTERED}")
    file = viewer.get(f"/a.org/export/experiments.csv?{QUERY}{FILTERED}").text
    rows = list(csv.DictReader(io.StringIO(file)))
    for each, row in zip(answer["results"], rows, strict=True):
        rate = f"{each['conversion_rate']:.2f}%"
        name = f"{each['group']} {VERDICTS[each['verdict']]}"
        assert f"{name} {each['visitors']} {each['conversions']} {rate}" in page
        assert (row["group"], row["conversion_rate"]) == (
            *(each["group"], str(each["conversion_rate"])),
        )
    assert f"{answer['results'][1]['chance_to_be_better']:.1f}%" in page
    assert all(each["warning"] in page for each in answer["meta"]["warnings"])
    said = CliRunner().invoke(main, [*shlex.split(command)[1:], "--json"])
    whole = viewer.get(f"/a.org/export/experiments.json?{QUERY}{FILTERED}").text
    assert json.loads(said.output) == json.loads(whole) == answer


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ("&groups=browsr", 'groups=browsr: there is no dimension "browsr"'),
        ("&goal=Sales", 'goal=Sales: there is no goal "Sales"; did you mean "Sale"?'),
        ("&control=Opera", 'control=Opera: no visitor was in the group "Opera"'),
        ("&shares=Chrome:1", 'shares=Chrome:1: "Chrome:1" is not a share'),
        ("&shares=Chrome=1", 'shares=Chrome=1: lacks the group "Firefox"'),
        ("&period=2025", "No visitor of these days is in a group."),
        ("&groups=", "Choose a property whose values are the groups"),
    ],
)
def test_what_is_not_understood_is_told(
    viewer: Visitor, changes: str, said: str
) -> None:
    assert said in shown(viewer, EXPERIMENT + changes)


def test_a_site_without_goals_is_told_so(viewer: Visitor) -> None:
    assert "There are no goals yet." in shown(viewer, "/b.org/experiments")


def test_a_site_s_page_leads_to_it_with_its_days_and_filters(viewer: Visitor) -> None:
    page = viewer.get(f"/a.org?{PERIOD}&f=is~country~DE").text

    assert f'href="/a.org/experiments?{PERIOD}&amp;f=is~country~DE"' in page


def test_a_file_is_refused_where_the_address_is_not_understood(viewer: Visitor) -> None:
    for changes in ("&goal=", "&f=is~nation~DE", "&control=Opera"):
        path = f"/a.org/export/experiments.csv?{QUERY}{changes}"
        assert viewer.get(path).status_code == 400
    assert viewer.get(f"/a.org/export/experiments.xml?{QUERY}").status_code == 404
