"""How a badge looks: the form of its count, the width of text, colours. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from page_tracker.hits.text import clean

# No line breaks at it, and people read the groups of digits at a glance.
THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"

LABEL_LIMIT = 60
PADDING = 6

# Names of the most common colours; others are six or three hexadecimal digits.
COLORS = {
    "black": "#000000",
    "blue": "#1666b5",
    "gray": "#555555",
    "green": "#2b7a0b",
    "orange": "#fe7d37",
    "pink": "#e05d9b",
    "purple": "#7b3fb5",
    "red": "#c32b1d",
    "white": "#ffffff",
    "yellow": "#dfb317",
}
_HEX = re.compile(r"[0-9a-f]{6}|[0-9a-f]{3}")
# Widths in Verdana of 11 pixels, roughly; the text is fitted to what they add up to.
_NARROW = frozenset("fijlrtI.,:;!|'()[]1 " + THIN_SPACE)
_WIDE = frozenset("mwMW@%—")
# Characters that XML 1.0 does not allow.
_NO_XML = re.compile("[\ufffe\uffff]")


class Look(NamedTuple):
    """A badge's label and its colours, as people write them."""

    label: str = "views"
    color: str = "blue"
    label_color: str = "gray"


class Side(msgspec.Struct, frozen=True):
    """One half of a badge: its text, where it stands (pixels) and its colours."""

    text: str
    left: int
    width: int
    background: str
    ink: str

    @property
    def middle(self) -> float:
        return self.left + self.width / 2

    @property
    def text_width(self) -> int:
        return self.width - 2 * PADDING


class Badge(msgspec.Struct, frozen=True):
    """What a badge says and how it looks."""

    label: Side
    count: Side

    @property
    def width(self) -> int:
        return self.label.width + self.count.width

    @property
    def description(self) -> str:
        return ": ".join(side.text for side in (self.label, self.count) if side.text)


def count_text(count: int) -> str:
    """A count for people: 1234567 is `1 234 567`, with thin spaces."""
    return f"{count:,}".replace(",", THIN_SPACE)


def checked(look: Look) -> Look:
    """The look, with values for SVG. Raises ValueError, with what to write instead."""
    return Look(
        label=_NO_XML.sub("", clean(look.label, LABEL_LIMIT)).strip(),
        color=color_of(look.color),
        label_color=color_of(look.label_color),
    )


def badge(look: Look, count: str) -> Badge:
    """Lay a badge out; without a label it is its count alone."""
    look = checked(look)
    left = _side(look.label, 0, look.label_color)
    return Badge(left, _side(count, left.width, look.color))


def _side(text: str, left: int, background: str) -> Side:
    width = text_width(text) + 2 * PADDING if text else 0
    return Side(text, left, width, background, ink_on(background))


def color_of(text: str) -> str:
    """A colour as SVG takes it. Raises ValueError for what is none."""
    name = text.strip().lower().removeprefix("#")
    if name in COLORS:
        return COLORS[name]
    if not _HEX.fullmatch(name):
        raise ValueError(
            f"{clean(text, 20)!r} is no colour: write digits like 1666b5, or one of "
            + ", ".join(COLORS)
        )
    return f"#{name if len(name) == 6 else ''.join(digit * 2 for digit in name)}"


def ink_on(background: str) -> str:
    """Black or white, whichever has more contrast (WCAG 2, relative luminance)."""
    channels = (int(background[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in channels
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    white, black = 1.05 / (luminance + 0.05), (luminance + 0.05) / 0.05
    return "#ffffff" if white >= black else "#000000"


def text_width(text: str) -> int:
    """The approximate width of a text, in pixels."""
    return round(sum(map(_character_width, text)))


def _character_width(character: str) -> float:
    if character in _NARROW:
        return 4.2
    if character in _WIDE or ord(character) > 0x2E7F:  # where CJK begins
        return 11
    return 7.6 if character.isupper() else 6.9
