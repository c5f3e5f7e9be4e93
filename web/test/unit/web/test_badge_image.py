"""How a badge looks."""

from xml.etree import ElementTree  # nosec B405 # reads a picture of ours

import pytest
from flask import Flask, render_template
from hypothesis import given
from hypothesis import strategies as st

from page_tracker.web.badge_image import (
    COLORS,
    Look,
    badge,
    color_of,
    count_text,
    ink_on,
)

APP = Flask("page_tracker", template_folder="web/templates")


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (999, "999"), (1234, "1\u202f234"), (1234567, "1\u202f234\u202f567")],
)
def test_counts_are_grouped_by_thin_spaces(count: int, text: str) -> None:
    assert count_text(count) == text


@pytest.mark.parametrize(
    ("text", "color"),
    [("green", COLORS["green"]), ("#ABC", "#aabbcc"), ("012345", "#012345")],
)
def test_colours_are_names_or_digits(text: str, color: str) -> None:
    assert color_of(text) == color


@pytest.mark.parametrize("text", ["", "#", "12345", "greenish", '"/><script>', "١٢٣"])
def test_what_is_no_colour_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="write digits like 1666b5, or one of black"):
        color_of(text)


@given(color=st.from_regex(r"[0-9a-f]{6}", fullmatch=True))
def test_text_can_be_read_on_every_colour(color: str) -> None:
    background, ink = (
        [int(text[at : at + 2], 16) for at in (1, 3, 5)]
        for text in (f"#{color}", ink_on(f"#{color}"))
    )
    lighter, darker = sorted(map(_luminance, (background, ink)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5  # WCAG 2, AA


def _luminance(color: list[int]) -> float:
    red, green, blue = (
        part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4
        for part in color
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@given(label=st.text(st.characters(), max_size=80), count=st.integers(0, 10**12))
def test_any_label_makes_a_picture_that_parses(label: str, count: int) -> None:
    with APP.app_context():
        svg = render_template(
            "badge.svg", badge=badge(Look(label=label), count_text(count))
        )
    picture = ElementTree.fromstring(svg)  # nosec B314 # reads a picture of ours
    says = picture.attrib["aria-label"]
    assert picture.attrib["role"] == "img"
    assert says.endswith(count_text(count))
    drawn = picture.iter("{http://www.w3.org/2000/svg}text")
    assert ": ".join(text.text or "" for text in drawn) == says


def test_sides_stand_beside_each_other() -> None:
    made = badge(Look("label"), "5")
    assert made.count.left == made.label.width
    assert made.width == made.label.width + made.count.width
    assert badge(Look(""), "5").label.width == 0
