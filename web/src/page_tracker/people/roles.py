"""What a person may do with a site. Pure."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """Each may do what those before it may."""

    VIEWER = "viewer"  # read reports
    EDITOR = "editor"  # and keep goals, segments and notes, let in what was left out
    OWNER = "owner"  # and settings, tokens, people, deletion

    @property
    def rank(self) -> int:
        return list(Role).index(self)

    def includes(self, other: Role) -> bool:
        """Whether whoever has this role may do what the other one may.

        >>> Role.EDITOR.includes(Role.VIEWER), Role.EDITOR.includes(Role.OWNER)
        (True, False)
        """
        return self.rank >= other.rank
