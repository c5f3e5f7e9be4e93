"""The register of imports: one small file for each, beside the lake.

    imports/7.json               what import 7 is and its progress
    DATA/imports/spool-7/        its page views, until they are in the lake
    DATA/imports/lock            held by the one process of this machine that imports

It does not depend on Redis. Of a lake in a folder it lies in the data folder; of one in
a bucket it lies there, as any machine may import, one at a time. What was read from a
log is only on the machine that did. A spool without a file is left over from a process
killed before its import began to count; it is deleted.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

from page_tracker.errors import ImportsBusyError, UnknownImportError
from page_tracker.files import PRIVATE, exclusive_lock
from page_tracker.history.known_content import KnownParts, Part
from page_tracker.history.records import record_in
from page_tracker.lake.place import FolderPlace, Place

# In the register: what retention has removed of imports.
EXPIRED = "expired"
_OF_IMPORT = re.compile(r"\d+\.json")

State = Literal["writing", "done", "undoing", "undone"]


class ImportedDay(msgspec.Struct, frozen=True, array_like=True):
    """A day of an import: days since 1970, page views, the spool's files with it."""

    day: int
    views: int
    files: tuple[int, ...] = ()


class Dropped(msgspec.Struct, frozen=True, array_like=True):
    """Lines of a day that a server would have dropped; `day` since 1970."""

    day: int
    reason: str
    name: str
    number: int


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """One import: one command, however many logs."""

    id: str
    site: str
    # The high half of its visitors' and visits' numbers, and of no others.
    origin: int
    state: State
    # UTC, seconds.
    started: int
    logs: tuple[str, ...]
    formats: tuple[str, ...]
    parts: tuple[Part, ...]
    lines: int
    pageviews: int
    left_out: dict[str, int]
    days: tuple[ImportedDay, ...]
    # Its page views that have been deleted since.
    deleted: int = 0
    # Imports that brought the part before its parts in their logs.
    continues: tuple[str, ...] = ()
    # Its rows in the table `drops`.
    drops: tuple[Dropped, ...] = ()
    # The first day that the site kept when this was read; 0: all.
    first_day: int = 0
    # Imports that retention has removed entirely, and whose lines this one has brought.
    replaces: tuple[str, ...] = ()
    # The host that has read its logs.
    machine: str = ""


@contextmanager
def nobody_else() -> Iterator[bool]:
    """Only this machine imports."""
    yield True


class Register:
    """The imports of a lake; those that are being read are in `folder`.

    Also where the register lies is told, and how a machine has it to itself, where
    that is not in the folder. Methods may raise OSError.
    """

    def __init__(
        self,
        folder: Path,
        place: Place | None = None,
        alone: Callable[[], AbstractContextManager[bool]] = nobody_else,
    ) -> None:
        self.folder = folder
        self.place: Place = place or FolderPlace(folder, PRIVATE)
        self._alone = alone
        # By name: the tag of a file and what it says.
        self._known: dict[str, tuple[str, Import]] = {}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only process that imports. Raises ImportsBusyError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (
            held(
                self.folder / "lock",
                ImportsBusyError(
                    f"another process is importing into {self.folder.parent}",
                    "wait until it has finished",
                ),
            ),
            self._alone() as is_alone,
        ):
            if not is_alone:
                raise ImportsBusyError(
                    f"another machine is importing into {self.place.uri}",
                    "wait until it has finished",
                )
            yield

    def all(self) -> list[Import]:
        """All imports ever, oldest first. Raises DamagedRecordError."""
        found = []
        for name, tag in self.place.tags().items():
            if _OF_IMPORT.fullmatch(name):
                if self._known.get(name, ("",))[0] != tag:
                    where = f"{self.place.uri}/{name}"
                    said = record_in(self.place.read(name), Import, where)
                    self._known[name] = tag, said
                found.append(self._known[name][1])
        return sorted(found, key=lambda each: int(each.id))

    def present(self, site: str | None = None) -> list[Import]:
        """The imports, of a site or of all, that are not undone; oldest first."""
        return [
            each
            for each in self.all()
            if each.state != "undone" and site in (None, each.site)
        ]

    def get(self, import_id: str, site: str | None = None) -> Import:
        """The import with that id. Raises UnknownImportError, also if it is undone.

        And if it is not the site's, if one is named.
        """
        for each in self.present(site):
            if each.id == import_id:
                return each
        raise UnknownImportError(
            (
                f"{site} has no import {import_id}"
                if site
                else f"there is no import {import_id}"
            ),
            "page-tracker import --list shows those that there are",
        )

    def continuing(self, entry: Import) -> list[str]:
        """The imports that brought the part after this one's logs, latest first."""
        found = [entry.id]
        for each in self.present(entry.site):
            if each.state != "undoing" and set(found).intersection(each.continues):
                found.append(each.id)
        return found[:0:-1]

    def forget(self, site: str) -> None:
        """Forget a site's imports: their logs can be imported again."""
        for each in self.all():
            if each.site == site and each.state != "undone":
                self.save(undone(each))

    def note_left(self, views: Mapping[str, int]) -> None:
        """Record how many page views of each import are left, if some were deleted."""
        for each in self.all():
            deleted = each.pageviews - views.get(each.id, each.pageviews)
            if deleted > each.deleted:
                self.save(replace(each, deleted=deleted))

    def forget_drops(self, site: str, days: Callable[[int], bool]) -> None:
        """Forget what a site's imports have in `drops` for days that were deleted."""
        for each in self.all():
            if each.site == site:
                kept = tuple(drop for drop in each.drops if not days(drop.day))
                if kept != each.drops:
                    self.save(replace(each, drops=kept))

    def copy_to(self, other: Register) -> None:
        """Put all that it says into another one. Raises OSError."""
        for name in self.place.tags():
            if name == EXPIRED or _OF_IMPORT.fullmatch(name):
                other.place.put(name, self.place.read(name))

    def next_id(self) -> str:
        return str(max((int(each.id) for each in self.all()), default=0) + 1)

    def known_parts(
        self, site: str, may_be_repeated: Callable[[Import], bool]
    ) -> KnownParts:
        """The parts that a site's imports have brought, except what may be repeated."""
        known = KnownParts()
        for each in self.present(site):
            if may_be_repeated(each):
                known.add_repeatable(each.parts, each.id)
            else:
                known.add(each.parts, each.id)
        return known

    def save(self, entry: Import) -> None:
        """Record an import, so that it survives whatever happens next."""
        self.place.put(f"{entry.id}.json", msgspec.json.encode(entry))

    def spool_of(self, import_id: str) -> Path:
        return self.folder / f"spool-{import_id}"

    def throw_away_spools(self) -> None:
        """Delete the spools of imports that no longer need theirs, or never began."""
        needed = {
            self.spool_of(each.id) for each in self.all() if each.state == "writing"
        }
        for spool in set(self.folder.glob("spool-*")) - needed:
            shutil.rmtree(spool)


def undone(entry: Import) -> Import:
    """An import as undone: its content is no longer known."""
    return replace(entry, state="undone", parts=(), logs=(), drops=())


@contextmanager
def held(path: Path, busy: ImportsBusyError) -> Iterator[None]:
    """Hold a lock file, for the life of the process. Raises `busy` if another does."""
    with ExitStack() as stack:
        try:
            stack.enter_context(exclusive_lock(path, patience=0))
        except BlockingIOError as error:
            raise busy from error
        yield
