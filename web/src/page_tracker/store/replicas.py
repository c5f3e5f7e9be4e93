"""How many replicas must have what was written before it counts as stored."""

from __future__ import annotations

from typing import NamedTuple

from redis import RedisError


class Copies(NamedTuple):
    """How many replicas must have a write, and within which time."""

    replicas: int = 0
    milliseconds: int = 0

    @property
    def command(self) -> tuple[str, int, int]:
        """It answers how many have what came before it over its own connection."""
        return ("WAIT", self.replicas, self.milliseconds)

    def require(self, number: int) -> None:
        """Raise RedisError where so many replicas are too few."""
        if number < self.replicas:
            raise RedisError(
                f"only {number} of {self.replicas} replicas have the batch by now"
            )
