"""What a person may do with a site. Pure.

`NEEDED` is the only table of it: pages look up what their forms need, and show none
that would be refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """Each may do what those before it may."""

    VIEWER = "viewer"
    EDITOR = "editor"
    OWNER = "owner"

    @property
    def rank(self) -> int:
        return list(Role).index(self)

    def includes(self, other: Role) -> bool:
        """Whether this role may do everything that the other one may.

        >>> Role.EDITOR.includes(Role.VIEWER), Role.EDITOR.includes(Role.OWNER)
        (True, False)
        """
        return self.rank >= other.rank


class Deed(StrEnum):
    """An action on a site."""

    READ = "read its reports"
    KEEP_GOALS = "keep its goals and segments"
    SET_COUNTING = "set what counts"
    ANNOTATE = "write notes under its chart"
    IMPORT = "import its logs"
    SET_REACH = "set its hosts, its group, its badges and its limits"
    KEEP_TOKENS = "make and revoke its tokens"
    GIVE_ROLES = "give roles for it"
    UNDO_IMPORTS = "undo its imports"
    DELETE = "delete its hits, and it"


# What editors may do destroys nothing, and lets nobody in: it can be set back.
NEEDED: Mapping[Deed, Role] = {
    Deed.READ: Role.VIEWER,
    Deed.KEEP_GOALS: Role.EDITOR,
    Deed.SET_COUNTING: Role.EDITOR,
    Deed.ANNOTATE: Role.EDITOR,
    Deed.IMPORT: Role.EDITOR,
    Deed.SET_REACH: Role.OWNER,
    Deed.KEEP_TOKENS: Role.OWNER,
    Deed.GIVE_ROLES: Role.OWNER,
    Deed.UNDO_IMPORTS: Role.OWNER,
    Deed.DELETE: Role.OWNER,
}
