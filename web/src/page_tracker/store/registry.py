"""Sites, tokens and accounts in Redis, and their mirrors beside the lake.

Sites and tokens are `Registry` here, accounts `store/accounts.py`.

    change:  lock → restore an empty store → read → decide (pure) → swap → mirror
    look:    version, once a second → read if it is a different one

Redis is authoritative; an emptied or replaced Redis starts from the mirror. Every
change writes both under one lock, so the mirror never falls behind a change that was
reported, and a start (`synchronise`) repairs what a kill in between has left.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
from redis import Redis, RedisError

from page_tracker.errors import MirrorError
from page_tracker.sites.site import Site
from page_tracker.sites.token import Token
from page_tracker.store.format import StoreFormatError, refuse_newer_store
from page_tracker.store.mirror_files import Mirror, Mirrored
from page_tracker.store.moved import require_not_moved
from page_tracker.store.scripts import script
from page_tracker.store.shards import Division, division_of, require_shards

Entry = TypeVar("Entry", bound=msgspec.Struct)
View = TypeVar("View")

SITES_KEY = "pt:sites"
TOKENS_KEY = "pt:tokens"
# A field of each hash; no domain or token id contains this character.
VERSION = b"@version"
LOOK_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Snapshot(msgspec.Struct, Generic[Entry], frozen=True):
    """All entries by id as of one version; None if there never were any."""

    version: int | None = None
    entries: Mapping[str, Entry] = msgspec.field(default_factory=dict)


class Shelf(Generic[Entry]):
    """One hash of Redis: entries by id, and a version that grows with every change."""

    def __init__(self, redis: Redis, key: str, kind: type[Entry]) -> None:
        self._redis: Any = redis
        self._key = key
        self._decoder: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(kind)
        self._swap = redis.register_script(script("swap"))

    def version(self) -> int | None:
        """The present version: one small read."""
        version = self._redis.hget(self._key, VERSION)
        return None if version is None else int(version)

    def read(self) -> Snapshot[Entry]:
        found = self._redis.hgetall(self._key)
        version = found.pop(VERSION, None)
        entries = {i.decode(): self._decoder.decode(text) for i, text in found.items()}
        return Snapshot(None if version is None else int(version), entries)

    def swap(self, known: Snapshot[Entry], entries: Mapping[str, Entry]) -> bool:
        """Replace `known` by these entries; False if something else is stored by now.

        The version is a time (microseconds), so that a store which was emptied never
        returns to one that somebody has seen.
        """
        removed = set(known.entries) - set(entries)
        put = {i: e for i, e in entries.items() if known.entries.get(i) != e}
        version = max((known.version or 0) + 1, time.time_ns() // 1000)
        arguments: list[str | bytes | int] = [
            "" if known.version is None else known.version,
            version,
            len(removed),
            *removed,
        ]
        for entry_id, entry in put.items():
            arguments += [entry_id, msgspec.json.encode(entry)]
        return bool(self._swap(keys=[self._key], args=arguments))


class Kept(ABC):
    """Shelves of one store and their mirror; the `main` one is there where any is."""

    def __init__(self, redis: Redis, main: Shelf[Any], mirror: Mirror[Any]) -> None:
        self.redis = redis
        self._main = main
        self.mirror = mirror

    def change(
        self,
        shelf: Shelf[Entry],
        decide: Callable[[Mapping[str, Entry]], Mapping[str, Entry]],
    ) -> None:
        """Replace all entries by what `decide` makes of them, in the mirror too.

        `decide` is called again if another process was faster; if it raises, nothing
        changes. Raises RedisError, MovedError where the store was moved, MirrorError.
        """
        with self.mirror.locked():
            require_not_moved(self.redis)
            self._restore()
            known = shelf.read()
            while not shelf.swap(known, decide(known.entries)):
                known = shelf.read()
            self._write_mirror()

    def synchronise(self) -> bool:
        """Fill an empty store from the mirror, or else the mirror from the store.

        True if the store was filled. Raises RedisError, MirrorError.
        """
        with self.mirror.locked():
            restored = self._restore()
            self._write_mirror()
        return restored

    def mend(self) -> None:
        """Synchronise where that must not fail: errors of the mirror are logged."""
        try:
            self.synchronise()
        except MirrorError:
            logger.exception("Redis and the mirror %s may differ", self.mirror.path)

    def require_ours(self) -> None:
        """Raise StoreFormatError where the store takes nothing from us; RedisError."""
        refuse_newer_store(self.redis)

    def is_emptied(self) -> bool:
        """Whether the store has lost its entries: it has none, the mirror has some."""
        return self._main.version() is None and self.mirror.path.exists()

    def _restore(self) -> bool:
        return self._main.version() is None and self._fill()

    @abstractmethod
    def _fill(self) -> bool:
        """Fill an empty store from the mirror; False if that is empty too."""

    @abstractmethod
    def _write_mirror(self) -> None:
        """Write what the store has, if it has anything."""


class Registry(Kept):
    """Sites and tokens, and `mirror.json` in the data folder.

    `shards` are those of whoever counts these sites' hits; without them, nobody does.
    """

    def __init__(self, redis: Redis, folder: Path, shards: int | None = None) -> None:
        self._shards = shards
        # As it was when the store was last looked at.
        self.division = Division(shards or 1)
        self.sites = Shelf(redis, SITES_KEY, Site)
        self.tokens = Shelf(redis, TOKENS_KEY, Token)
        super().__init__(redis, self.sites, Mirror(folder / "mirror.json", Mirrored()))

    def require_ours(self) -> None:
        super().require_ours()
        if self._shards is not None:
            require_shards(self.redis, self._shards)
            self.division = division_of(self.redis, self._shards)

    def _fill(self) -> bool:
        mirrored = self.mirror.read()
        if not (mirrored.sites or mirrored.tokens):
            return False
        # Sites last: until they are there, filling is repeated.
        self.tokens.swap(Snapshot(), {token.id: token for token in mirrored.tokens})
        return self.sites.swap(Snapshot(), {site.id: site for site in mirrored.sites})

    def _write_mirror(self) -> None:
        sites, tokens = self.sites.read(), self.tokens.read()
        if sites.version is None and tokens.version is None:
            return
        self.mirror.write(
            Mirrored(
                sites=tuple(sites.entries[i] for i in sorted(sites.entries)),
                tokens=tuple(tokens.entries[i] for i in sorted(tokens.entries)),
            )
        )


class Watched(Generic[Entry, View]):
    """A view of a shelf, at most a second old, for code that asks often.

    While Redis is away the last view stays. Before the first view RedisError is raised,
    and StoreFormatError as long as the store has a newer format, or other shards.
    """

    def __init__(
        self,
        registry: Kept,
        shelf: Shelf[Entry],
        view: Callable[[Mapping[str, Entry]], View],
    ) -> None:
        self._registry = registry
        self._shelf = shelf
        self._view = view
        self._current: View | None = None
        self._version: int | None = None
        self._looked = 0.0

    def get(self) -> View:
        now = time.monotonic()
        if self._current is None or now - self._looked >= LOOK_SECONDS:
            self._look(now)
        assert self._current is not None  # nosec B101 # for mypy; _look has set it
        return self._current

    def look(self) -> View:
        """The view as it is now, if Redis answers: for callers that cannot wait."""
        self._looked = -LOOK_SECONDS
        return self.get()

    def _look(self, now: float) -> None:
        try:
            self._registry.require_ours()
            if self._current is None or self._registry.is_emptied():
                self._registry.mend()
            version = self._shelf.version()
            if self._current is None or version != self._version:
                snapshot = self._shelf.read()
                self._current = self._view(snapshot.entries)
                self._version = snapshot.version
        except StoreFormatError:
            self._current = None
            raise
        except RedisError:
            if self._current is None:
                raise
        self._looked = now
