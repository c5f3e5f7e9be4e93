"""What of a log was left out, in words for people."""

from __future__ import annotations

from page_tracker.history.left_out_lines import LeftOut
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
# Where this share is left out for one reason, something else may be wrong.
_NEARLY_ALL = 0.9
# Fewer lines prove nothing.
_ENOUGH = 10
_EXAMPLES = 5
# These are as they should be: counted before, or next time.
_AS_IT_SHOULD_BE = (LeftOut.KNOWN, LeftOut.UNFINISHED, LeftOut.BLANK)


def in_words(reason: str) -> str:
    """A reason as people call it."""
    return _IN_WORDS.get(reason, reason.replace("_", " "))


def most_left_out(tally: Tally) -> str | None:
    """Where nearly all is left out for one reason: which, with examples."""
    judged = tally.lines - sum(tally.left_out[each] for each in _AS_IT_SHOULD_BE)
    for reason, number in tally.left_out.most_common():
        if reason in _AS_IT_SHOULD_BE or judged < _ENOUGH:
            continue
        if number < _NEARLY_ALL * judged:
            return None
        names = tally.names_of(reason).most_common(_EXAMPLES + 1)
        named = [f"{name} {times:,}" for name, times in names[:_EXAMPLES] if name]
        examples = f": {', '.join(named)}" if named else ""
        more = ", …" if len(names) > _EXAMPLES else ""
        return (
            f"Nearly all lines ({number:,} of {judged:,}) are left out as"
            f" {in_words(reason)}{examples}{more}"
        )
    return None
