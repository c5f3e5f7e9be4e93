"""The pages' documentation says what the code does."""

from __future__ import annotations

import re

from page_tracker.web.pages import view
from page_tracker.web.pages.experiment_explanations import METHODS
from page_tracker.web.pages.exports import PARTS
from page_tracker.web.pages.metric_explanations import COUNTED
from page_tracker.web.pages.panels import PANELS
from page_tracker.web.pages.periods import OFFERED
from support.documentation import page

TEXT = page("reference/pages")


def rows() -> dict[str, set[str]]:
    """What the table of an address's parts says of each: the words in code."""
    table = TEXT.partition("| part | says |")[2].partition("\n\n")[0]
    return {
        name: set(re.findall("`([^`]+)`", rest))
        for names, rest in re.findall(r"^\| (`[^|]+`) \| (.*) \|$", table, re.M)
        for name in re.findall("`([a-z]+)`", names)
    }


def test_every_part_of_an_address_is_documented_and_no_other() -> None:
    known = {"f", *PANELS, *(name for name in view.PARTS)}

    assert set(rows()) == known


def test_every_choice_of_a_part_is_documented() -> None:
    told = rows()

    assert set(view.CHARTED) <= told["metric"]
    assert set(view.INTERVALS) <= told["by"]
    assert set(view.COMPARISONS) <= told["compare"]
    assert {each.word for each in OFFERED} <= told["period"]
    for panel in PANELS.values():
        assert {tab.name for tab in panel.tabs} <= told[panel.name]


def test_every_key_is_documented() -> None:
    keys = TEXT.partition("## Keys")[2]

    assert all(f"`{each.key}`" in keys for each in OFFERED)


def test_every_part_of_the_page_has_addresses() -> None:
    assert {"figures", "chart"} | PANELS.keys() == set(PARTS)


def test_how_a_figure_is_counted_is_told_in_the_words_of_the_documentation() -> None:
    parts = re.split(r"^## (.+)\n", page("reference/metrics"), flags=re.M)
    documented = dict(zip(parts[1::2], map(words, parts[2::2]), strict=True))

    assert {title: words(text) for title, text in COUNTED.items()} == documented


def test_how_an_experiment_is_counted_is_told_in_the_words_of_the_guide() -> None:
    guide = words(page("guides/experiments"))

    assert [text for text in METHODS.values() if text not in guide] == []


def words(text: str) -> str:
    return " ".join(text.split())
