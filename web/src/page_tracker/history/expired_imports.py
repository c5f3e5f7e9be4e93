"""What retention removes of imports, and which may be repeated since.

    upkeep is about to delete a site's hits of before a day → noted beside the register
    an import                                               → is any of its days left?

Without it the lines of an import would be known forever, though they are gone: a person
who keeps hits for longer again could not bring them back. Only upkeep writes the notes,
and needs no lock for it.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from page_tracker.history.left_out_lines import LeftOut
from page_tracker.history.records import record_in
from page_tracker.history.register import EXPIRED, Import, Register
from page_tracker.sites.site import Site, first_kept


class Expiry(msgspec.Struct, frozen=True, array_like=True):
    """At `moment` (UTC, seconds) a site's hits before `first_day` were deleted."""

    site: str
    first_day: int
    moment: int


def first_day_of(site: Site, now: float) -> int:
    """The first day, since 1970, that a site keeps; 0 if it keeps all."""
    return next((day for _, day in first_kept([site], now)), 0)


def note_expiry(register: Register, sites: Iterable[Site], now: float) -> None:
    """Note what retention is about to remove from imports. Raises OSError."""
    notes = noted = _notes(register)
    for site, first_day in first_kept(sites, now):
        if any(_is_taken(each, first_day, noted) for each in register.present(site)):
            # Earlier notes of fewer days add nothing.
            notes = [
                each
                for each in notes
                if each.site != site or each.first_day > first_day
            ]
            notes.append(Expiry(site, first_day, int(now)))
    if notes is not noted:
        register.place.put(EXPIRED, msgspec.json.encode(notes))


def _is_taken(entry: Import, first_day: int, notes: list[Expiry]) -> bool:
    before = _gone_before(entry, notes)
    days = [each.day for each in entry.days] + [each.day for each in entry.drops]
    return any(before <= day < first_day for day in days)


def gone_before(register: Register, entry: Import) -> int:
    """The day before which retention has removed everything of an import, or 0."""
    return _gone_before(entry, _notes(register))


def _gone_before(entry: Import, notes: list[Expiry]) -> int:
    of_entry = [
        each.first_day
        for each in notes
        if each.site == entry.site and each.moment > entry.started
    ]
    return max([*of_entry, entry.first_day])


def may_be_repeated(register: Register, entry: Import, first_day: int) -> bool:
    """Whether retention removed all of an import, and the site keeps more by now.

    What a person has deleted of an import stays known: it must not come back. So do
    imports that others continue: without the beginning their lines would not be known.
    """
    before = gone_before(register, entry)
    is_left = entry.deleted or any(each.day >= before for each in entry.days)
    return (
        has_gone_partly(register, entry, first_day)
        and not is_left
        and not register.continuing(entry)
    )


def has_gone_partly(register: Register, entry: Import, first_day: int) -> bool:
    """Whether retention removed lines that the site would keep by now."""
    before = gone_before(register, entry)
    has_expired = entry.left_out.get(LeftOut.EXPIRED) or any(
        each.day < before for each in entry.days
    )
    return bool(first_day < before and has_expired)


def _notes(register: Register) -> list[Expiry]:
    try:
        content = register.place.read(EXPIRED)
    except FileNotFoundError:
        return []
    return record_in(content, list[Expiry], f"{register.place.uri}/{EXPIRED}")
