"""Whether what the application needs is there, as a reason or None."""

from redis import Redis, RedisError

PROBE_KEY = "page_tracker:readyz"


def redis_problem(client: Redis) -> str | None:
    """Why Redis cannot take a write now; None where it can (it is given one)."""
    try:
        client.set(PROBE_KEY, 1, ex=60)
    except RedisError as error:
        return f"Redis takes no writes: {error}"
    return None
