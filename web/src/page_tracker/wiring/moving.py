"""Moving a data folder's lake and store to other places, while they are used.

    lake: most of it is copied while everything runs
      → the old ones are left: hits wait with who sends them, and nothing is changed
      → store: each key is copied → lake: what has come since is copied
      → the new ones are complete

What a store has not given to its lake it has in its streams, and takes along: whoever
copies the store first, and the lake as it is after that, has each hit in one of them at
least, and the lake's transactions tell which are in both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import msgspec
from redis import Redis, RedisError

from page_tracker.days import DAY_SECONDS, utc_day
from page_tracker.errors import RedisUnavailableError
from page_tracker.history.register import Register
from page_tracker.lake import moving as lake_moving
from page_tracker.lake.moving import Watch
from page_tracker.lake.table import Lake
from page_tracker.processes.embedded import redis_of
from page_tracker.processes.folder import require_begun, require_folder_there
from page_tracker.settings import Settings, without_password
from page_tracker.settings_parsing import SHARDS_OF_CLUSTER, cluster_nodes
from page_tracker.store import copying
from page_tracker.store.format import StoreFormatError
from page_tracker.store.moved import (
    close_store,
    end_copy,
    leave_lake,
    moved,
    stay,
)
from page_tracker.store.shards import grow
from page_tracker.store.stream import Stream
from page_tracker.wiring.lake import open_lake, require_lake
from page_tracker.wiring.register import open_register
from page_tracker.wiring.store import open_redis, require_ready
from page_tracker.writer.writer import refuse_new_lake

# A scan of a large store takes longer than a hit.
PATIENT_SECONDS = 30.0
# Days that have begun somewhere, or may begin before everything uses the new store.
DAYS_AHEAD = 1
# Then no hit of such a day is stored any more.
KNOWN_FOR = 12 * DAY_SECONDS


class StoreMove(msgspec.Struct, frozen=True):
    """From one store to another; their addresses are without passwords."""

    source: Redis
    target: Redis
    shards: int
    to_shards: int
    from_url: str
    to_url: str

    def is_done(self) -> bool:
        return (
            moved(self.source).to_store == self.to_url
            and not moved(self.target).from_store
        )

    def begin(self) -> None:
        copying.begin(self.target, range(self.to_shards), self.from_url)

    def leave(self) -> None:
        close_store(self.source, range(self.shards), self.to_url)

    def copy(self, watch: Callable[[int], None]) -> None:
        copying.copy_keys(self.source, self.target, watch)
        if self.to_shards > self.shards:
            until = utc_day(time.time()) + DAYS_AHEAD
            grow(self.target, self.to_shards, self.shards, until, KNOWN_FOR)

    def end(self) -> None:
        end_copy(self.target, range(self.to_shards))


class LakeMove(msgspec.Struct, frozen=True):
    """From one lake to another, with the register of imports that lies with each.

    The hits come from a store with so many shards.
    """

    source: Lake
    target: Lake
    register: Register
    to_register: Register
    store: Redis
    shards: int

    def is_done(self) -> bool:
        said = moved(self.store)
        return (said.from_lake, said.to_lake) == (
            self.source.uri,
            self.target.uri,
        ) and not lake_moving.is_moving(self.target)

    def begin(self) -> None:
        hits = self.source.snapshot("hits") if self.source.has("hits") else None
        for shard in range(self.shards):
            refuse_new_lake(self.source, Stream(self.store, shard), hits)
        lake_moving.begin(self.source, self.target)

    def leave(self) -> None:
        leave_lake(self.store, range(self.shards), self.source.uri, self.target.uri)

    def copy_most(self, watch: Watch) -> None:
        lake_moving.copy_most(self.source, self.target, watch)

    def copy_rest(self, watch: Watch) -> None:
        lake_moving.copy_rest(self.source, self.target, watch)
        if self.register.place != self.to_register.place:
            self.register.copy_to(self.to_register)

    def end(self) -> None:
        lake_moving.end(self.target)


class Move(msgspec.Struct, frozen=True):
    """Both moves, or one of them; `register` keeps imports and deletions out."""

    register: Register
    lake: LakeMove | None
    store: StoreMove | None

    def run(
        self,
        watch: Watch,
        watch_keys: Callable[[int], None],
        say: Callable[[str], None],
    ) -> None:
        """Move; after an interruption, go on. Raises LakeError, OSError, RedisError,
        TargetStoreError, ImportsBusyError."""
        lake, store = self._unfinished()
        if lake:
            lake.begin()
        if store:
            store.begin()
        if lake:
            lake.copy_most(watch)
        with self.register.locked():
            for move in (store, lake):
                if move:
                    move.leave()
            say("The old place is left: from now on hits wait for the new one.")
            if store:
                store.copy(watch_keys)
            if lake:
                lake.copy_rest(watch)
            for move in (store, lake):
                if move:
                    move.end()

    def new_settings(self) -> dict[str, str]:
        """The settings that name the new places."""
        named: dict[str, str] = {}
        if self.lake:
            named["PAGE_TRACKER_LAKE"] = self.lake.target.uri
        if self.store:
            named["REDIS_URL"] = self.store.to_url
            named["PAGE_TRACKER_SHARDS"] = str(self.store.to_shards)
        return named

    def left_behind(self) -> Iterator[str]:
        """What is to be removed one day."""
        if self.lake:
            yield (
                f"The old lake {self.lake.source.uri} is as it was; remove it when you"
                " do not need it any more."
            )
        if self.store:
            yield (
                f"The old Redis {self.store.from_url} is as it was; it still has the"
                " salts of today, so empty it or remove it within a day."
            )

    def _unfinished(self) -> tuple[LakeMove | None, StoreMove | None]:
        """What was not finished by an earlier run."""
        lake = None if self.lake and self.lake.is_done() else self.lake
        store = None if self.store and self.store.is_done() else self.store
        return lake, store


@contextmanager
def opened_move(
    settings: Settings, to_lake: str | None, to_redis: str | None
) -> Iterator[Move]:
    """Open both ends of a move; without `to_redis` or `to_lake` that part stays.

    Raises NoDataFolderError, DataFolderError, ProcessError, BucketError,
    StoreFormatError, redis.RedisError.
    """
    with _source(settings) as (found, source):
        register = open_register(settings)
        lake = store = None
        if to_lake:
            there = replace(settings, lake=to_lake)
            require_lake(there)
            lake = LakeMove(
                open_lake(settings),
                open_lake(there),
                register,
                open_register(there),
                source,
                found.shards,
            )
        if to_redis:
            least = SHARDS_OF_CLUSTER if cluster_nodes(to_redis) else 1
            there = replace(found, redis_url=to_redis, redis_timeout=PATIENT_SECONDS)
            store = StoreMove(
                source,
                open_redis(there),
                found.shards,
                max(least, found.shards),
                without_password(found.redis_url or ""),
                without_password(to_redis),
            )
        yield Move(register, lake, store)


@contextmanager
def _source(settings: Settings) -> Iterator[tuple[Settings, Redis]]:
    """The store that is moved, which may be left already, and the settings with it."""
    if settings.redis_url is None:
        require_begun(settings.data)
    else:
        require_folder_there(settings.data)
    with ExitStack() as stack:
        url = settings.redis_url or stack.enter_context(redis_of(settings))
        found = replace(settings, redis_url=url)
        patient = replace(found, redis_timeout=PATIENT_SECONDS)
        redis = stack.enter_context(open_redis(patient))
        try:
            require_ready(redis, settings.shards)
            yield found, redis
        except StoreFormatError:
            raise
        except RedisError as error:
            raise RedisUnavailableError(
                f"Redis failed ({error})",
                "check that both run, then the same command once more",
            ) from error


def stay_here(settings: Settings) -> None:
    """Take back that the store and its lake were left. Raises as `opened_move`."""
    with _source(settings) as (found, redis):
        stay(redis, range(found.shards))
