"""Rules of flags: flagd's, as far as we have them, and shares that stay."""

from __future__ import annotations

from typing import Any

import pytest

from page_tracker.errors import InvalidValueError
from page_tracker.flags.rules import compiled
from page_tracker.shares import dealt

ADA = {"person": "ada", "site": "a.org", "targetingKey": "ada"}
SITE = {"var": "site"}


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (None, None),
        ("on", "on"),
        ({"var": "person"}, "ada"),
        ({"var": ["group", "none"]}, "none"),
        ({"var": "group"}, None),
        ({"if": [{"==": [SITE, "a.org"]}, "on", "off"]}, "on"),
        ({"if": [{"!=": [SITE, "a.org"]}, "on"]}, None),
        ({"if": [False, "a", {"in": [SITE, ["a.org"]]}, "b", "c"]}, "b"),
        ({"in": ["da", {"var": "person"}]}, True),
        ({"in": [SITE, ["b.org"]]}, False),
        ({"and": [True, {"!": [False]}]}, True),
        ({"or": [False, {"starts_with": [SITE, "a."]}]}, True),
        ({"ends_with": [SITE, ".com"]}, False),
        ({"cat": [{"var": "$flagd.flagKey"}, ":", SITE]}, "f:a.org"),
    ],
)
def test_a_rule_gives_what_flagd_s_documentation_says(rule: Any, found: Any) -> None:
    assert compiled(rule, "f")(ADA) == found


SHARES = [("on", 5), ("off", 95)]


def test_a_share_is_dealt_by_the_flag_and_by_whom_it_is_asked_for() -> None:
    rule = compiled({"fractional": [["on", 5], ["off", 95]]}, "f")

    for number in range(200):
        person = {"targetingKey": f"person {number}"}
        assert rule(person) == dealt(f"fperson {number}", SHARES)


def test_a_share_may_be_of_sites_instead() -> None:
    rule = compiled({"fractional": [SITE, ["on"], ["off"]]}, "f")

    people = {rule({"site": "a.org", "targetingKey": f"{n}"}) for n in range(20)}
    assert people == {dealt("a.org", [("on", 1), ("off", 1)])}


def test_who_has_no_key_has_no_share() -> None:
    assert compiled({"fractional": [["on", 1]]}, "f")({"site": "a.org"}) is None


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"sem_ver": [1, ">", 2]}, "there is no operator 'sem_ver'"),
        ({"==": [1]}, "== takes 2 values, got 1"),
        ({"==": [1, 1], "!=": [1, 1]}, "needs exactly one operator, found 2"),
        ({"var": {"a": 1}}, "var names no text"),
        ({"fractional": []}, "fractional has no shares"),
        ({"fractional": [["on", -1]]}, "is not a share"),
        ({"fractional": [["on", 0]]}, "fractional has no shares"),
    ],
)
def test_a_rule_that_means_nothing_here_is_refused(rule: Any, why: str) -> None:
    with pytest.raises(InvalidValueError, match=why):
        compiled({"if": [True, rule]}, "f")


def test_a_rule_that_nests_without_an_end_is_refused() -> None:
    rule: Any = True
    for _ in range(50):
        rule = {"!": [rule]}

    with pytest.raises(InvalidValueError, match="too deep"):
        compiled(rule, "f")
