"""Experiments: who is in which group, who of them converted, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from naive_answers import Row
from page_tracker.lake.table import Lake
from page_tracker.query.engine import Engine
from page_tracker.query.experiment_report import ExperimentReport, experiment_as_json
from page_tracker.query.lake_asking import LakeAsking
from page_tracker.query.problem import QueryError
from page_tracker.query.snapshot import Reading
from page_tracker.sites.goal import Goal
from page_tracker.sites.site import Site
from support import commands
from support.asked import put, view
from support.processes import clean_environment

SITE = Site(id="a.org", goals=(Goal(name="Signup", event="signup"),))
NOW = datetime(2026, 3, 9, tzinfo=UTC).timestamp()
FIRST, SECOND = date(2026, 3, 2), date(2026, 3, 3)
EXPERIMENT = {
    "site_id": "a.org",
    "dimension": "event:props:buttons",
    "goal": "Signup",
    "date_range": ["2026-03-02", "2026-03-03"],
}


def event(visitor: int, minute: int = 0, **more: Any) -> Row:
    """A visitor's event of some minute, with the group that it names, if any."""
    row = view(visitor, day=more.pop("day", FIRST))
    row["time"] += timedelta(minutes=minute)
    row["props"] = {"buttons": more.pop("group")} if "group" in more else {}
    return row | more


ROWS = [
    # Who signs up in the group, also in another visit of the day, or by one event.
    *(event(1, group="a"), event(1, 9, name="signup")),
    *(event(2, group="b"), event(2, 600, name="signup", visit=99, step=1)),
    event(3, name="signup", group="b"),
    # Who does not, or did so before, or on another day.
    event(4, group="a", country="DE"),
    *(event(5, name="signup"), event(5, 9, group="b")),
    *(event(6, group="a"), event(6, name="signup", day=SECOND)),
    # Who is in several groups of a day, in one of each of two days, or in none.
    *(event(7, group="a"), event(7, 9, group="b"), event(7, 10, name="signup")),
    *(event(8, group="a"), event(8, group="b", day=SECOND)),
    *(event(9), event(10, name="signup")),
    event(11, group="a", site="b.org"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("experiment")
    put(Lake(str(made / "lake")), ROWS, 1)
    return made


@pytest.fixture(scope="module")
def asking(folder: Path) -> LakeAsking:
    return LakeAsking(Reading(Lake(str(folder / "lake"))), Engine())


def report(asking: LakeAsking, **changes: Any) -> ExperimentReport:
    body = {**EXPERIMENT, **changes}
    return asking.experiment(asking.understand_experiment(body, SITE, NOW))


def figures(found: ExperimentReport) -> dict[str, tuple[int, int]]:
    return {
        group.name: (group.found.conversions, group.found.visitors)
        for group in found.groups
    }


def test_a_visitor_converts_by_what_is_done_in_the_group_on_that_day(
    asking: LakeAsking,
) -> None:
    found = report(asking)

    assert figures(found) == {"a": (1, 4), "b": (2, 4)}
    assert found.in_several == 1


def test_hits_that_memory_does_not_hold_at_once_give_the_same_figures(
    folder: Path, asking: LakeAsking
) -> None:
    engine = Engine()
    engine.max_rows = 4

    by_slices = report(LakeAsking(Reading(Lake(str(folder / "lake"))), engine))

    assert by_slices == report(asking)


def test_filters_choose_the_events_by_which_visitors_are_in_a_group(
    asking: LakeAsking,
) -> None:
    found = report(asking, filters=[["is", "visit:country", ["DE"]]])

    assert figures(found) == {"a": (0, 1)}
    assert found.warnings == ("nothing_to_compare",)


def test_a_range_may_begin_and_end_within_a_day(asking: LakeAsking) -> None:
    found = report(
        asking, date_range=["2026-03-02T12:05:00+00:00", "2026-03-02T12:09:30+00:00"]
    )

    assert figures(found) == {"b": (0, 2)}, "whom it shows in a group from 12:09 on"


@pytest.mark.parametrize("dimension", ["visit:exit_page", "visit:country_name"])
def test_whatever_is_known_of_visits_makes_groups_too(
    asking: LakeAsking, dimension: str
) -> None:
    groups = figures(report(asking, dimension=dimension))

    assert (
        groups
        == {
            "visit:exit_page": {"/": (7, 12)},
            "visit:country_name": {"Germany": (0, 1)},
        }[dimension]
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dimension": "time:day"}, "#/dimension: must be an attribute"),
        ({"dimension": {}}, "#/dimension: Invalid"),
        ({"goal": []}, "#/goal: there is no goal"),
        ({"dimension": "event:goal"}, "#/dimension: must be an attribute"),
        ({"dimension": "visit:Country"}, '#/dimension: .*did you mean "visit:country"'),
        ({"goal": "Sign up"}, '#/goal: .*did you mean "Signup"'),
        (
            {"control": "c"},
            '#/control: no visitor was in the group "c"; valid are a, b',
        ),
        ({"control": 1}, "#/control: must be the name"),
        ({"shares": {"a": 1}}, '#/shares: lacks the group "b"'),
        ({"shares": {"a": 0, "b": 1}}, "#/shares/a: must be above 0"),
        ({"shares": [1, 1]}, "#/shares: must be an object"),
        ({"filters": [["is", "visit:x", ["y"]]]}, "#/filters/0/1: Invalid"),
        ({"metrics": ["visitors"]}, "#/metrics: unknown key"),
    ],
)
def test_what_is_refused_says_where_and_what_to_write(
    asking: LakeAsking, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(QueryError, match=said):
        report(asking, **changes)


def test_a_property_with_many_values_is_no_experiment(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    put(lake, [event(number, group=f"{number}") for number in range(40)], 1)

    with pytest.raises(QueryError, match="#/dimension: has more than 20 values"):
        report(LakeAsking(Reading(lake), Engine()))


def test_the_answer_has_the_control_first_and_others_against_it(
    asking: LakeAsking,
) -> None:
    answer = experiment_as_json(report(asking, control="b"))

    control, other = answer["results"]
    assert (control["group"], control["verdict"]) == ("b", "control")
    assert control["conversion_rate"] == 50.0 and control["difference"] is None
    assert (other["group"], other["verdict"]) == ("a", "undecided")
    assert other["difference"] == -25.0
    low, high = other["difference_interval"]
    assert low < -25 < 0 < high and 0 < other["chance_to_be_better"] < 50
    assert [each["code"] for each in answer["meta"]["warnings"]] == ["too_few"]


@pytest.fixture
def run(folder: Path) -> Callable[..., CompletedProcess[str]]:
    """Runs a command on the folder of the hits."""

    def run(*words: str) -> CompletedProcess[str]:
        environment = clean_environment(PAGE_TRACKER_DATA=str(folder))
        return commands.run(*words, environment=environment, folder=folder)

    return run


def test_the_command_says_what_came_of_it(
    run: Callable[..., CompletedProcess[str]],
) -> None:
    run("site", "add", "a.org")
    run("goal", "add", "a.org", "--event", "signup", "--name", "Signup")
    words = ("experiment", "a.org", "props:buttons", "Signup", "--period", "2026-03")

    said = run(*words, "--shares", "a=1,b=1").stdout

    assert said.startswith("a.org, 2026-03-01 to 2026-03-31: who reached Signup\n")
    assert "b               4            2  50.00% (" in said
    assert "It is undecided whether b is better than a." in said
    assert "1 visitor was in several groups on one day, and counted in none." in said
    for options, why in (
        (("--shares", "a:1"), '--shares: "a:1" is not a share'),
        (("--control", "c"), '--control: no visitor was in the group "c"'),
    ):
        refused = run(*words, *options)
        assert refused.returncode == 2 and why in refused.stderr
