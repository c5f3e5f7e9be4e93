"""What was changed in a site's settings, in words for people. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from typing import Any

from page_tracker.sites.site import Site


def shown(name: str, value: Any) -> str:
    """A setting's value as it is written.

    >>> shown("respect_dnt", True), shown("hostnames", ("a.example", "b.example"))
    ('true', 'a.example, b.example')
    """
    if name == "retention_days" and value is None:
        return "all"
    if isinstance(value, tuple):
        return ", ".join(value) or "(none)"
    return str(value).lower() if isinstance(value, bool) else str(value) or "(none)"


def told_changes(
    before: Site,
    after: Site,
    names: Collection[str],
    called: Callable[[str], str] = str,
) -> Iterator[str]:
    """What became of these settings, one line each; `called` gives each one's label."""
    for name in names:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield f"{called(name)}: {shown(name, old)} → {shown(name, new)}"
        elif name != "timezone" or after.next_timezone is None:
            yield f"{called(name)} stays {shown(name, new)}"
    if "timezone" in names and (notice := zone_to_come(after, called)):
        yield notice


def zone_to_come(of: Site, called: Callable[[str], str] = str) -> str:
    """When a change of the time zone takes effect; empty if none is pending."""
    if of.next_timezone is None or of.next_timezone_from is None:
        return ""
    instant = datetime.fromtimestamp(of.next_timezone_from, UTC)
    return (
        f"{called('timezone')}: {of.next_timezone} from {instant:%Y-%m-%d %H:%M} UTC,"
        f" when the day is over in both zones; until then {of.timezone}"
    )
