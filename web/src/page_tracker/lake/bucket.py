"""A bucket of an S3-compatible store: its files by name, and what it must have.

Two processes that commit at once are told apart by the store alone: a put with
`If-None-Match: *` stores a file where there is none, and is refused where there is one.
Of a store that ignores that, each would believe to have been first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec
from msgspec.structs import replace
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from page_tracker.errors import LakeError
from page_tracker.files import replacing

if TYPE_CHECKING:  # it exists for type checkers only
    from obstore import ObjectMeta

# So many files are fetched at the same time.
AT_ONCE = 8
# A request that fails is repeated this often, and for so long.
REPEATS = 5
REPEATED_FOR = 15  # seconds
CONNECT_SECONDS = 5
# Longer than a store takes to answer, shorter than a question may take.
ANSWER_SECONDS = 25


class BucketError(LakeError):
    """A bucket cannot be reached, or is not what a lake needs."""


class BucketAwayError(BucketError):
    """The store of a bucket does not answer now."""


class Stamp(msgspec.Struct, frozen=True):
    """What tells a file's content from others, and when it was written, by the store's
    clock, in seconds since 1970."""

    tag: str
    written: float


class Bucket(msgspec.Struct, frozen=True):
    """What lies below a prefix (or at its top, if that is empty) of a bucket.

    `options` are those of the store by their usual names, like AWS_ENDPOINT_URL.
    Methods raise FileNotFoundError for a file that is not there, and OSError if the
    store does not answer or refuses.
    """

    name: str
    prefix: str
    options: Mapping[str, str]

    @property
    def uri(self) -> str:
        return f"s3://{self.name}/{self.prefix}".rstrip("/")

    @property
    def table_options(self) -> dict[str, str]:
        """The same options as deltalake takes them."""
        return {
            **self.options,
            "max_retries": str(REPEATS),
            "retry_timeout": f"{REPEATED_FOR}s",
            "connect_timeout": f"{CONNECT_SECONDS}s",
            "timeout": f"{ANSWER_SECONDS}s",
        }

    @property
    def _store(self) -> S3Store:
        return _client(self.name, frozenset(self.options.items()))

    def _key(self, name: str) -> str:
        """The name of a file in the whole bucket."""
        return f"{self.prefix}/{name}".strip("/")

    def within(self, folder: str) -> Bucket:
        """The part of it below a folder."""
        return replace(self, prefix=f"{self.prefix}/{folder}".strip("/"))

    def name_of(self, address: str) -> str:
        """The name of a file in it by the file's address."""
        return address.removeprefix(f"{self.uri}/")

    def read(self, name: str) -> bytes:
        with _as_os_errors(name):
            return bytes(self._store.get(self._key(name)).bytes())

    def read_all(self, names: Iterable[str]) -> list[bytes]:
        """Read files at the same time; in the order of their names."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(self.read, names))

    def copy_to(self, name: str, path: Path) -> None:
        """Write a file's content to a path, as a whole or not at all."""
        content = self.read(name)
        with replacing(path) as beside:
            beside.write_bytes(content)

    def names(self) -> list[str]:
        """All files."""
        return list(self._listed("", ""))

    def sizes(self, within: str = "") -> dict[str, int]:
        """The files below a folder with their sizes in bytes."""
        found = self._listed(within, "")
        return {name: each["size"] for name, each in found.items()}

    def tags(self, after: str = "") -> dict[str, str]:
        """The files whose names come later, each with what changes with its content."""
        found = self._listed("", after)
        return {name: str(each["e_tag"]) for name, each in found.items()}

    def _listed(self, within: str, after: str) -> dict[str, ObjectMeta]:
        with _as_os_errors(self.uri):
            begin = self._key(after) if after else None
            found = self._store.list(self._key(within) or None, offset=begin).collect()
        return {
            each["path"].removeprefix(self.prefix).lstrip("/"): each for each in found
        }

    def put_new(self, name: str, content: bytes) -> bool:
        """Store a file where there is none of this name; whether there was none."""
        try:
            with _as_os_errors(name):
                self._store.put(self._key(name), content, mode="create")
                return True
        except FileExistsError:
            return False

    def put(self, name: str, content: bytes) -> None:
        """Store a file, whether there was one of this name or not."""
        with _as_os_errors(name):
            self._store.put(self._key(name), content)

    def put_over(self, name: str, content: bytes, known: Stamp) -> bool:
        """Replace a file if it is still the known one; whether it was."""
        try:
            with _as_os_errors(name):
                self._store.put(self._key(name), content, mode={"e_tag": known.tag})
                return True
        except (FileExistsError, FileNotFoundError):
            return False

    def stamp(self, name: str) -> Stamp:
        """Which content a file has, and when that was written."""
        with _as_os_errors(name):
            found = self._store.head(self._key(name))
        return Stamp(str(found["e_tag"]), found["last_modified"].timestamp())

    def now(self, name: str) -> float:
        """The store's own time, in seconds since 1970; writes a file to see it."""
        with _as_os_errors(name):
            self._store.put(self._key(name), b"")
        return self.stamp(name).written

    def delete(self, name: str) -> None:
        with _as_os_errors(name):
            self._store.delete(self._key(name))

    def require_usable(self) -> None:
        """Try what a lake needs. Raises BucketError, in words, if it does not work.

        BucketAwayError where the store does not answer.
        """
        name = f"tried/{uuid4()}"
        with self._in_words():
            self.put_new(name, b"one")
            first = self.stamp(name)
            is_again = self.put_new(name, b"two")
            new = self.read(name)
            self.put_over(name, b"three", first)
            # It is another one by now.
            is_again |= self.put_over(name, b"four", first)
            over = self.read(name)
            self.delete(name)
        if is_again or (new, over) != (b"one", b"three"):
            raise BucketError(
                f"the store of {self.uri} ignores conditional puts (If-None-Match,"
                " If-Match), so two writers would overwrite each other's hits",
                "use a store that has them, like Amazon S3 or SeaweedFS",
            )

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """Say of a first use that fails what was probably set wrongly."""
        where = self.options.get("AWS_ENDPOINT_URL", "Amazon S3")
        try:
            yield
        except FileNotFoundError as error:
            raise BucketError(
                f"there is no bucket {self.name} at {where}",
                "create it, or correct PAGE_TRACKER_LAKE or AWS_ENDPOINT_URL",
            ) from error
        except PermissionError as error:
            raise BucketError(
                f"{where} does not let this key write to {self.uri}, or has no such"
                " bucket",
                "correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or let that key"
                " read, write, list and delete there",
            ) from error
        except OSError as error:
            raise BucketAwayError(
                f"{where} does not answer for {self.uri} ({error})",
                "start it, or correct AWS_ENDPOINT_URL and AWS_REGION",
            ) from error


@cache
def _client(name: str, options: frozenset[tuple[str, str]]) -> S3Store:
    """The client of a bucket: one for all that is in it, as each has connections."""
    given = {key.lower(): value for key, value in options}
    is_plain = given.pop("aws_allow_http", "") == "true"
    return S3Store(
        name,
        config=given,  # type: ignore[arg-type]  # names in a form that it takes too
        client_options={
            "allow_http": is_plain,
            "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
            "timeout": timedelta(seconds=ANSWER_SECONDS),
        },
        retry_config={
            "max_retries": REPEATS,
            "retry_timeout": timedelta(seconds=REPEATED_FOR),
        },
    )


@contextmanager
def _as_os_errors(name: str) -> Iterator[None]:
    """Raise the store's errors as Python's for files."""
    try:
        yield
    except NotFoundError as error:
        raise FileNotFoundError(f"{name} is not in the bucket") from error
    except (AlreadyExistsError, PreconditionError) as error:
        raise FileExistsError(name) from error
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise PermissionError(f"{name}: {_short(error)}") from error
    except BaseError as error:
        raise OSError(f"{name}: {_short(error)}") from error


def _short(error: Exception) -> str:
    """What a store's error says, in one line; it goes on with how often it tried."""
    return " ".join(str(error).partition("Debug source")[0].split())[:200]
