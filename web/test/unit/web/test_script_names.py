"""Which script a name means: by its words, in whatever order."""

import pytest

from page_tracker.web.script_names import MINUTE, Asked, asked_for

ALL = (
    "script.hash.outbound-links.file-downloads.tagged-events.pageview-props.revenue"
    ".manual.local.exclusions.compat"
)


def test_the_order_of_the_words_makes_no_difference() -> None:
    base, *words = ALL.split(".")
    assert asked_for(ALL) == asked_for(".".join((base, *reversed(words))))


def test_a_build_has_what_the_words_ask_for_and_nothing_else() -> None:
    builds = {
        "plausible": "plausible",
        "analytics.compat.revenue": "plausible",
        "script.pageleave.manual": "plausible",
        "script.file-downloads": "plausible.links",
        "plausible.outbound-links.hash.exclusions": "plausible.exclusions.links",
        ALL: "plausible.exclusions.links.tagged",
    }
    assert {name: found.build for name in builds if (found := asked_for(name))} == (
        builds
    )


def test_ours_is_the_one_without_words() -> None:
    assert asked_for("script") == Asked("script")


@pytest.mark.parametrize("name", ["index", "p"])
def test_some_names_have_no_words(name: str) -> None:
    assert asked_for(name) == Asked("plausible")
    assert asked_for(f"{name}.hash") is None


def test_a_site_s_own_script_is_known_by_what_plausible_calls_the_site() -> None:
    assert asked_for("pa-AbC_1-2") == Asked(
        "plausible.called", alias="pa-AbC_1-2", max_age=MINUTE
    )


@pytest.mark.parametrize(
    "name", ["script.foo", "script.", "foo", "script.hash.hash2", "pa-", "pa-a.b"]
)
def test_other_names_mean_nothing(name: str) -> None:
    assert asked_for(name) is None
