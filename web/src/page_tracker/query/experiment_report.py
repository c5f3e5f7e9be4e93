"""What can be said of an experiment: each group against the control. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Set
from typing import Any

import msgspec

from page_tracker.query.answer import range_as_json
from page_tracker.query.experiment import MOST_GROUPS, Experiment, Groups
from page_tracker.query.problem import QueryError, nearest
from page_tracker.query.proportions import (
    Interval,
    Proportion,
    chance_of_split,
    chance_to_be_better,
    confidence_of_each,
    detectable,
    difference,
    interval,
)

# How sure all comparisons are together.
CONFIDENCE = 0.95
# Below this many who did it, or did not, a difference says little.
FEWEST = 10
# How rarely chance may split visitors so unevenly: Kohavi, Tang and Xu, "Trustworthy
# Online Controlled Experiments" (2020), chapter 21.
RAREST_SPLIT = 0.001

CONTROL, BETTER, WORSE, UNDECIDED = "control", "better", "worse", "undecided"

# What there is to be wary of, by its code.
WARNINGS = {
    "nothing_to_compare": "Fewer than two groups have visitors in these days.",
    "too_few": f"In at least one group, fewer than {FEWEST} visitors reached the goal,"
    f" or fewer than {FEWEST} did not; only a very large difference could be detected."
    " Let it run for longer.",
    "peeking": "If you keep checking and stop at the first difference, you will see one"
    " that is not there far more often than 5 times in 100. Decide in advance when to"
    " end.",
    "uneven_split": "A split this uneven happens by chance in fewer than 1 in 1,000"
    " experiments. If this was not the split you intended, one group is losing visitors"
    " and no figure can be trusted. If you intended an uneven split, state the shares.",
}


class Comparison(msgspec.Struct, frozen=True):
    """A group against the control: `chance` is that of being better, 0 to 1."""

    difference: float
    interval: Interval
    chance: float

    @property
    def verdict(self) -> str:
        """Whether the interval leaves it open which of the two is better."""
        low, high = self.interval
        if low > 0:
            return BETTER
        return WORSE if high < 0 else UNDECIDED


class Group(msgspec.Struct, frozen=True):
    """One group's figures; the control is compared with nothing."""

    name: str
    found: Proportion
    interval: Interval
    compared: Comparison | None = None


class ExperimentReport(msgspec.Struct, frozen=True):
    """What came of an experiment; the control is the first group.

    `confidence` is that of each comparison, `detectable` the smallest difference that
    four of five experiments of this size would show; None where nobody converted.
    `warnings` are codes of WARNINGS.
    """

    asked: Experiment
    groups: tuple[Group, ...]
    in_several: int
    confidence: float
    detectable: float | None
    warnings: tuple[str, ...]


def report_of(asked: Experiment, groups: Groups) -> ExperimentReport:
    """The report of these groups.

    Raises QueryError if they are too many, or not those that the question names.
    """
    found = groups.found
    _check(asked, found.keys())
    control = asked.control or min(found, default="")
    names = sorted(found, key=lambda name: (name != control, name))
    confidence = confidence_of_each(CONFIDENCE, len(names) - 1)
    rivals = [found[name] for name in names[1:]]
    return ExperimentReport(
        asked,
        tuple(
            Group(
                name,
                found[name],
                interval(found[name], CONFIDENCE),
                (
                    None
                    if name == control
                    else _compared(found[name], found[control], confidence)
                ),
            )
            for name in names
        ),
        groups.in_several,
        confidence,
        max(
            (detectable(each, found[control], confidence) for each in rivals), default=0
        )
        or None,
        tuple(_warnings(asked, found)),
    )


def _check(asked: Experiment, names: Set[str]) -> None:
    if len(names) > MOST_GROUPS:
        raise QueryError(
            "#/dimension",
            f"has more than {MOST_GROUPS} values in this period, too many to compare;"
            " narrow them with a filter",
        )
    if asked.control and asked.control not in names:
        hint = nearest(asked.control, sorted(names))
        raise QueryError(
            "#/control", f'no visitor was in the group "{asked.control[:100]}"{hint}'
        )
    if asked.shares and (missing := sorted(names - asked.shares.keys())):
        raise QueryError(
            "#/shares", f'lacks the group "{missing[0][:100]}", which has visitors'
        )


def _compared(one: Proportion, control: Proportion, confidence: float) -> Comparison:
    return Comparison(
        one.rate - control.rate,
        difference(one, control, confidence),
        chance_to_be_better(one, control),
    )


def _warnings(asked: Experiment, found: Mapping[str, Proportion]) -> Iterator[str]:
    if len(found) < 2:
        yield "nothing_to_compare"
        return
    if any(_is_small(each) for each in found.values()):
        yield "too_few"
    if asked.is_running:
        yield "peeking"
    shares = asked.shares or dict.fromkeys(found, 1.0)
    numbers = [found[name].visitors if name in found else 0 for name in shares]
    if chance_of_split(numbers, list(shares.values())) < RAREST_SPLIT:
        yield "uneven_split"


def _is_small(found: Proportion) -> bool:
    return min(found.conversions, found.visitors - found.conversions) < FEWEST


def experiment_as_json(report: ExperimentReport) -> dict[str, Any]:
    """The report as JSON; rates and chances in percent, differences in points."""
    query = report.asked.query
    return {
        "results": [_group_as_json(each) for each in report.groups],
        "meta": {
            "in_several_groups": report.in_several,
            "confidence": percent(report.confidence),
            "detectable": percent(report.detectable),
            "warnings": [
                {"code": code, "warning": WARNINGS[code]} for code in report.warnings
            ],
        },
        "query": {
            "site_id": query.site,
            "dimension": query.dimensions[0],
            "goal": report.asked.goal.name,
            "date_range": range_as_json(query.range),
            "filters": json.loads(query.written),
            "control": report.groups[0].name if report.groups else "",
            "shares": dict(report.asked.shares),
        },
    }


def _group_as_json(group: Group) -> dict[str, Any]:
    compared = group.compared
    return {
        "group": group.name,
        "visitors": group.found.visitors,
        "conversions": group.found.conversions,
        "conversion_rate": percent(group.found.rate),
        "conversion_rate_interval": _percents(group.interval),
        "difference": percent(compared.difference) if compared else None,
        "difference_interval": _percents(compared.interval) if compared else None,
        "chance_to_be_better": percent(compared.chance) if compared else None,
        "verdict": compared.verdict if compared else CONTROL,
    }


def percent(share: float | None) -> float | None:
    """A share of 1 in percent, to a hundredth."""
    return None if share is None else round(100 * share, 2)


def _percents(found: Interval) -> list[float | None]:
    return [percent(share) for share in found]
