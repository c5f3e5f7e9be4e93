"""Whether everybody can use a page: by axe's rules, on every screen, light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Page

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
WIDTHS = (360, 768, 1440)  # of a phone, a tablet, a screen, in pixels
# In one call: each way between here and the browser takes longer than the rules.
_FOUND = """async (chosen) => (
    await axe.run({resultTypes: ["violations"], ...chosen})
).violations.map(each => `${each.id}: ${each.nodes[0].html.slice(0, 200)}`)"""
# What another scheme can break: it changes colours, and nothing that others look at.
_COLOURS = ["color-contrast", "link-in-text-block"]
_OF_COLOURS = {"runOnly": {"type": "rule", "values": _COLOURS}}
_BUT_OF_COLOURS = {"rules": {each: {"enabled": False} for each in _COLOURS}}


def bring_axe(page: Page) -> None:
    """Load the rules into a page; its context must bypass our CSP."""
    page.evaluate(Path(AXE_FILE_PATH).read_text("utf-8"))


def show_at(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})


def complaints(page: Page, schemes: tuple[Scheme, ...] = SCHEMES) -> list[str]:
    """What breaks axe's rules of WCAG 2.2 AA and of good practice; none is left out.

    The first scheme is held to all of them, each other one to those of colours.
    """
    found: list[str] = []
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        chosen = {} if scheme == schemes[0] else _OF_COLOURS
        found += [f"{scheme}: {each}" for each in page.evaluate(_FOUND, chosen)]
    return found


def complaints_but_of_colours(page: Page) -> list[str]:
    """The same of all rules but those of colours, which take two thirds of the time."""
    found: list[str] = page.evaluate(_FOUND, _BUT_OF_COLOURS)
    return found
