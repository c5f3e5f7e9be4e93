"""What stands in the guides, for tests that do what they say."""

import re

from support.documentation import page

SERVER, SITE = "https://stats.example.com", "example.org"


def section(name: str, heading: str) -> str:
    """The text below a heading of a page, up to the next one of its level or above."""
    text = page(name)
    start = re.search(rf"^(#+) {re.escape(heading)}\n", text, re.MULTILINE)
    assert start, f"{name} has no heading {heading}"
    below = text[start.end() :]
    end = re.search(rf"^#{{1,{len(start[1])}}} ", below, re.MULTILINE)
    return below[: end.start()] if end else below


def blocks(name: str, heading: str, language: str, server: str, site: str) -> list[str]:
    """The fenced blocks of a language there, with another server and site in them."""
    found = re.findall(
        rf"^```{language}\n(.*?)^```$", section(name, heading), re.MULTILINE | re.DOTALL
    )
    assert found, f"{name}, {heading} has no block of {language}"
    return [each.replace(SERVER, server).replace(SITE, site) for each in found]


def commands(name: str) -> list[str]:
    """All commands of a page, in their order."""
    return re.findall(r"^    ((?:page-tracker|curl) .+)$", page(name), re.MULTILINE)
