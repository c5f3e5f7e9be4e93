"""`mirror.json`, `people.json`, `annotations.json`: copies of what Redis keeps.

They are beside the lake. Sites and tokens are in the first, accounts of people in the
second, annotations of sites in the third: an older Page Tracker that does not know one
of them leaves it alone. Each is replaced as a whole. One that cannot
be read is set aside under another name, never overwritten.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from page_tracker.errors import MirrorError
from page_tracker.files import exclusive_lock, replace_file
from page_tracker.people.account import Account
from page_tracker.sites.annotation import SiteAnnotations
from page_tracker.sites.site import Site
from page_tracker.sites.token import Token

FORMAT = 1

logger = logging.getLogger(__name__)


class Mirrored(msgspec.Struct, frozen=True, kw_only=True):
    """What the mirror says."""

    format: int = FORMAT
    sites: tuple[Site, ...] = ()
    tokens: tuple[Token, ...] = ()


class MirroredPeople(msgspec.Struct, frozen=True, kw_only=True):
    """What the mirror of people says."""

    format: int = FORMAT
    accounts: tuple[Account, ...] = ()


class MirroredAnnotations(msgspec.Struct, frozen=True, kw_only=True):
    """What the mirror of annotations says."""

    format: int = FORMAT
    sites: tuple[SiteAnnotations, ...] = ()


Said = TypeVar("Said", bound=msgspec.Struct)


class _Head(msgspec.Struct):
    format: int


class Mirror(Generic[Said]):
    """A mirror at a path; `nothing` is what one says that is not there."""

    def __init__(self, path: Path, nothing: Said) -> None:
        self.path = path
        self._nothing: Said = nothing

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes and threads from reading and writing the mirror."""
        with ExitStack() as stack:
            try:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                stack.enter_context(exclusive_lock(self.path.with_suffix(".lock")))
            except OSError as error:
                raise self._unwritable(error) from error
            yield

    def read(self) -> Said:
        """What was last written; nothing where there is none, or a damaged one.

        Raises MirrorError for a format that is newer than this program.
        """
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return self._nothing
        except OSError as error:
            raise MirrorError(
                f"{self.path} cannot be read ({error.strerror})",
                "give it back to the user that runs Page Tracker",
            ) from error
        try:
            found = msgspec.json.decode(text, type=_Head).format
            if found > FORMAT:
                raise MirrorError(
                    f"{self.path} has format {found}, and this Page Tracker knows"
                    f" {FORMAT} at most",
                    "use the newer Page Tracker that has written it",
                )
            return msgspec.json.decode(text, type=type(self._nothing))
        except msgspec.DecodeError as error:
            self._set_aside(error)
            return self._nothing

    def write(self, mirrored: Said) -> None:
        """Replace the mirror, where it says something else. Raises MirrorError."""
        text = msgspec.json.format(msgspec.json.encode(mirrored), indent=2) + b"\n"
        try:
            if self.path.exists() and self.path.read_bytes() == text:
                return
            replace_file(self.path, text)
        except OSError as error:
            raise self._unwritable(error) from error

    def _set_aside(self, error: Exception) -> None:
        aside = self.path.with_suffix(f".damaged-{time.time_ns() // 1_000_000}")
        self.path.replace(aside)
        logger.error("%s is damaged (%s); kept as %s", self.path, error, aside.name)

    def _unwritable(self, error: OSError) -> MirrorError:
        return MirrorError(
            f"{self.path}, the copy of what Redis keeps, cannot be written"
            f" ({error.strerror})",
            "make room or give the folder to the user that runs Page Tracker,"
            " and start it again",
        )
