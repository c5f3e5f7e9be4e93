"""The page of experiments, beside what the same question is answered with elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from page_tracker import app as app_module
from page_tracker.people.roles import Role
from page_tracker.web.pages.experiment_page import VERDICTS
from support.people import Visitor, signed_in
from support.sites_with_hits import FIRST, LAST, PERIOD, shown, sites_with_hits

EXPERIMENT = f"/a.org/experiments?{PERIOD}&groups=browser&goal=Pages"


@pytest.fixture(scope="module", autouse=True)
def environment(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    with sites_with_hits(redis_url, tmp_path_factory.mktemp("data")):
        yield


@pytest.fixture(scope="module")
def viewer() -> Visitor:
    return signed_in("Vera", Role.VIEWER)


def test_it_shows_what_the_interface_answers(viewer: Visitor) -> None:
    question = {
        "site_id": "a.org",
        "dimension": "visit:browser",
        "goal": "Pages",
        "date_range": [str(FIRST), str(LAST)],
        "filters": [["is", "visit:country", ["DE", "FR"]]],
        "control": "Firefox",
    }
    token = app_module.tokens().add("stats", ["a.org"])[1]
    answer = viewer.client.post(
        "/api/v2/experiment",
        json=question,
        headers={"Authorization": f"Bearer {token}"},
    ).json
    assert answer

    page = shown(viewer, f"{EXPERIMENT}&control=Firefox&f=is~country~DE|FR")

    for each in answer["results"]:
        rate = f"{each['conversion_rate']:.2f}%"
        name = f"{each['group']} {VERDICTS[each['verdict']]}"
        assert f"{name} {each['visitors']} {each['conversions']} {rate}" in page
    assert f"{answer['results'][1]['chance_to_be_better']:.1f}%" in page
    assert {each["code"] for each in answer["meta"]["warnings"]} == {"too_few"}
    assert answer["meta"]["warnings"][0]["warning"] in page


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ("&groups=browsr", 'groups=browsr: there is no dimension "browsr"'),
        ("&goal=Sales", 'goal=Sales: there is no goal "Sales"; did you mean "Sale"?'),
        ("&control=Opera", 'control=Opera: no visitor was in the group "Opera"'),
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
