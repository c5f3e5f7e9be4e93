"""What is said of an experiment, and what it warns of."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from page_tracker.query.experiment import Groups, parse_experiment
from page_tracker.query.experiment_report import ExperimentReport, report_of
from page_tracker.query.parse import Known
from page_tracker.query.proportions import Proportion
from page_tracker.sites.goal import Goal

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
KNOWN = Known(
    site="a.org",
    timezone="UTC",
    now=NOW,
    begun=lambda: date(2026, 1, 1),
    goals=(Goal(name="Signup", event="signup"),),
)


def report(*found: tuple[int, int], **changes: Any) -> ExperimentReport:
    """The report of groups `a`, `b`, … of so many conversions and visitors each."""
    body = {
        "site_id": "a.org",
        "dimension": "event:props:buttons",
        "goal": "Signup",
        "date_range": ["2026-03-01", "2026-03-07"],
        **changes,
    }
    groups = {
        name: Proportion(*numbers)
        for name, numbers in zip("abcdef", found, strict=False)
    }
    return report_of(parse_experiment(body, KNOWN), Groups(groups))


def test_a_group_is_better_or_worse_only_where_its_interval_leaves_nothing_open() -> (
    None
):
    found = report((100, 1000), (150, 1000), (50, 1000), (110, 1000))

    verdicts = [group.compared.verdict for group in found.groups if group.compared]
    assert verdicts == ["better", "worse", "undecided"]
    assert not found.warnings


def test_what_is_better_alone_may_be_chance_among_several() -> None:
    alone = report((100, 1000), (128, 1000))
    among = report((100, 1000), (128, 1000), (100, 1000), (100, 1000))

    verdicts = [
        each.groups[1].compared.verdict
        for each in (alone, among)
        if each.groups[1].compared
    ]
    assert verdicts == ["better", "undecided"]
    assert (alone.confidence, among.confidence) == pytest.approx((0.95, 1 - 0.05 / 3))


@pytest.mark.parametrize(
    ("found", "changes", "warning"),
    [
        ([(100, 1000)], {}, "nothing_to_compare"),
        ([], {}, "nothing_to_compare"),
        ([(9, 1000), (100, 1000)], {}, "too_few"),
        ([(991, 1000), (100, 1000)], {}, "too_few"),
        ([(100, 1000), (100, 1000)], {"date_range": "7d"}, None),
        ([(100, 1000), (100, 1000)], {"date_range": "month"}, "peeking"),
        (
            [(100, 1000), (100, 1000)],
            {"date_range": ["2026-03-09T10:00:00Z", "2026-03-09T12:00:01Z"]},
            "peeking",
        ),
        (
            [(100, 1000), (100, 1000)],
            {"date_range": ["2026-03-09T10:00:00Z", "2026-03-09T11:59:58Z"]},
            None,
        ),
        ([(100, 1000), (100, 1100)], {}, None),
        ([(100, 1000), (100, 1200)], {}, "uneven_split"),
        ([(100, 1000), (120, 1200)], {"shares": {"a": 10, "b": 12}}, None),
        ([(100, 1000), (100, 1000)], {"shares": {"a": 9, "b": 1}}, "uneven_split"),
        (
            [(100, 1000), (100, 1000)],
            {"shares": {"a": 1, "b": 1, "nobody": 1}},
            "uneven_split",
        ),
    ],
)
def test_it_warns_of_what_makes_figures_worth_less(
    found: list[tuple[int, int]], changes: dict[str, Any], warning: str | None
) -> None:
    assert report(*found, **changes).warnings == ((warning,) if warning else ())


def test_where_nobody_converts_nothing_is_said_to_be_detectable() -> None:
    assert report((0, 1000), (0, 1000)).detectable is None
    assert report((100, 1000), (100, 1000)).detectable == pytest.approx(
        0.0376, abs=1e-4
    )
