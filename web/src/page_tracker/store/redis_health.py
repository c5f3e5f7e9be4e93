"""Whether what the application needs is there, as a reason or None."""

from typing import Any, NamedTuple

from redis import Redis, RedisError

from page_tracker.store.clients import Server, key_on_each_primary, primaries
from page_tracker.store.format import StoreFormatError, refuse_newer_store
from page_tracker.store.shards import require_shards

PROBE_KEY = "page_tracker:readyz"


class DurabilityNotice(NamedTuple):
    """Why Redis may lose what was acknowledged, and what to do about it."""

    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.problem}: {self.remedy}"


def redis_problem(client: Redis) -> str | None:
    """Why Redis cannot take a write now; None where it can (it is given one).

    Of a cluster each primary is given one.
    """
    try:
        refuse_newer_store(client)
        for key in key_on_each_primary(client, PROBE_KEY):
            client.set(key, 1, ex=60)
    except StoreFormatError as error:
        return str(error)
    except RedisError as error:
        return f"Redis takes no writes: {error}"
    return None


def store_problem(client: Redis, shards: int) -> str | None:
    """Why hits of so many shards cannot be stored now; None where they can."""
    if problem := redis_problem(client):
        return problem
    try:
        require_shards(client, shards)
    except RedisError as error:
        return str(error)
    return None


def durability_notice(client: Redis) -> DurabilityNotice | None:
    """Why Redis may lose what was acknowledged; None where it has all on disk."""
    try:
        servers = primaries(client)
    except RedisError as error:
        return _unknown("Redis", error)
    return next(filter(None, map(_notice_of, servers)), None)


def _notice_of(server: Server) -> DurabilityNotice | None:
    name, client = server
    try:
        known: Any = client.config_get("appendonly", "appendfsync")
    except RedisError as error:
        return _unknown(name, error)
    if known.get("appendonly") != "yes":
        return DurabilityNotice(
            f"{name} keeps no append-only file, and forgets hits when it stops",
            "set appendonly yes and appendfsync always",
        )
    if known.get("appendfsync") != "always":
        return DurabilityNotice(
            f"{name} syncs its file {known.get('appendfsync')} only, and may forget the"
            " last hits when its machine stops",
            "set appendfsync always",
        )
    return None


def _unknown(name: str, error: RedisError) -> DurabilityNotice:
    return DurabilityNotice(
        f"{name} does not tell whether it writes all to disk ({error})",
        "allow its user CONFIG GET, and set appendonly yes, appendfsync always",
    )
