"""What a person has said about logs; apart, for pages know it and read no log. Pure."""

from typing import Literal, NamedTuple

# Which address is the visitor's: the sender's, or the one that a proxy forwarded.
Whose = Literal["peer", "forwarded"]


class Wanted(NamedTuple):
    """How logs are to be read; None means detect it."""

    format: str | None = None
    whose: Whose | None = None
    # Import a log even if many of its lines are malformed.
    skip_malformed: bool = False
