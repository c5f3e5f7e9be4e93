"""What an import has added, or would add, in words for people. Pure.

The command line and the pages use the same words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from page_tracker.days import date_of
from page_tracker.history.left_out_lines import LeftOut
from page_tracker.history.register import Import, ImportedDay

if TYPE_CHECKING:  # what reads logs is heavy
    from page_tracker.history.log_reader import Tally

_IN_WORDS = {
    "static_file": "static files",
    "bot": "bots",
    "error": "errors",
    "redirect": "redirects",
    "method": "other methods than GET",
    "other_host": "pages of other hosts",
    "known": "imported before",
    "unfinished": "unfinished, for the next time",
    "blank": "blank lines",
    "expired": "older than the site keeps",
}
# If this share is left out for one reason, something else may be wrong.
_NEARLY_ALL = 0.9
# Fewer lines prove nothing.
_ENOUGH = 10
_EXAMPLES = 5
# In its JSON form.
Summary = Mapping[str, Any]
# These are normal: counted before, or next time.
_AS_IT_SHOULD_BE = (LeftOut.KNOWN, LeftOut.UNFINISHED, LeftOut.BLANK)


def in_words(reason: str) -> str:
    """A reason in words for people."""
    return _IN_WORDS.get(reason, reason.replace("_", " "))


def most_first(numbers: Counter[str]) -> list[tuple[str, int]]:
    """What was counted, most of all first, and where numbers are alike by name."""
    return sorted(numbers.items(), key=lambda each: (-each[1], each[0]))


def most_left_out(tally: Tally) -> str | None:
    """If nearly everything is left out for one reason: which, with examples."""
    judged = tally.lines - sum(tally.left_out[each] for each in _AS_IT_SHOULD_BE)
    for reason, number in most_first(tally.left_out):
        if reason in _AS_IT_SHOULD_BE or judged < _ENOUGH:
            continue
        if number < _NEARLY_ALL * judged:
            return None
        names = most_first(tally.names_of(reason))[: _EXAMPLES + 1]
        named = [f"{name} {times:,}" for name, times in names[:_EXAMPLES] if name]
        examples = f": {', '.join(named)}" if named else ""
        more = ", …" if len(names) > _EXAMPLES else ""
        return (
            f"Nearly all lines ({number:,} of {judged:,}) are left out as"
            f" {in_words(reason)}{examples}{more}"
        )
    return None


def summary(site: str, tally: Tally, entry: Import | None, dry_run: bool) -> Summary:
    """The output of `page-tracker import --json`; `entry` is None if nothing is new."""
    days = tally.days()
    return {
        "import": entry.id if entry else None,
        "dry_run": dry_run,
        "site": site,
        "logs": tally.logs,
        "formats": tally.formats,
        "lines": tally.lines,
        "pageviews": tally.pageviews,
        "left_out": {reason: n for reason, n in most_first(tally.left_out) if n},
        "first_day": str(date_of(days[0].day)) if days else None,
        "last_day": str(date_of(days[-1].day)) if days else None,
        "malformed_lines": [each._asdict() for each in tally.malformed],
        "most_left_out": most_left_out(tally),
        "notes": _notes(tally),
    }


def headline(said: Summary) -> str:
    """The sentence above the figures of a summary."""
    days = _range(said["first_day"], said["last_day"])
    formats = " and ".join(said["formats"])
    if said["dry_run"]:
        return f"{said['site']}: would import {days} ({formats}); nothing was changed."
    if said["import"] is None:
        return f"{said['site']}: nothing new."
    return f"{said['site']}: import {said['import']} brought {days} ({formats})."


def figures(said: Summary) -> list[tuple[str, str]]:
    """The figures of a summary, each with its label."""
    rows = [(f"{said['lines']:,}", "lines"), (f"{said['pageviews']:,}", "page views")]
    return rows + [
        (f"{number:,}", f"left out: {in_words(reason)}")
        for reason, number in said["left_out"].items()
    ]


def days_of(days: Sequence[ImportedDay]) -> str:
    """The first and the last day of the page views."""
    if not days:
        return _range(None, None)
    return _range(str(date_of(days[0].day)), str(date_of(days[-1].day)))


def _range(first: str | None, last: str | None) -> str:
    if first is None:
        return "no page view"
    return first if first == last else f"{first} to {last}"


def _notes(tally: Tally) -> list[str]:
    """Notes beside the figures."""
    notes = list(tally.notes)
    if tally.agentless:
        notes.append(
            f"{tally.agentless:,} page views come from lines without a user agent:"
            " their browsers are unknown, and bots may be among them"
        )
    return notes
