"""The table of facts about user agents, `agents.toml`: parsed and checked.

The packaged table explains its rows; an owner's table adds rows in front of it.
"""

from __future__ import annotations

import msgspec
import re2
import tomli


class Row(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True
):
    """One fact: what is found in a user agent (RE2's syntax), and what that means."""

    find: str
    name: str = ""
    # Only for bots.
    kind: str = ""
    # Only for systems: used if `find` extracts no version.
    version: str | None = None
    # Its source, and a user agent that it applies to.
    source: str = ""
    example: str = ""


class Agents(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True
):
    """All tables, by name; if several rows of one match, the first applies."""

    person: tuple[Row, ...] = ()
    bot: tuple[Row, ...] = ()
    browser: tuple[Row, ...] = ()
    system: tuple[Row, ...] = ()
    device: tuple[Row, ...] = ()
    brand: tuple[Row, ...] = ()

    def before(self, other: Agents) -> Agents:
        """Both, with these rows in front."""
        names = self.__struct_fields__
        return Agents(
            **{name: getattr(self, name) + getattr(other, name) for name in names}
        )


def read_agents(text: str) -> Agents:
    """Parse a table from TOML that has been checked before. Raises ValueError."""
    return msgspec.convert(tomli.loads(text), Agents)


def check_agents(text: str) -> Agents:
    """Parse a table and try all its rows. Raises ValueError that names one at fault."""
    agents = read_agents(text)
    for table in Agents.__struct_fields__:
        for number, row in enumerate(getattr(agents, table), 1):
            if why := _fault_of(table, row):
                raise ValueError(f"[[{table}]] number {number}: {why}")
    return agents


def _fault_of(table: str, row: Row) -> str:
    """Why a row cannot be used; empty if it can."""
    options = re2.Options()
    options.log_errors = False
    try:
        groups = re2.compile(row.find, options).groups
    except re2.error as error:
        return f"find is no regular expression ({error})"
    if table in _NAMED and not row.name:
        return "name is missing"
    if table == "bot" and not row.kind:
        return "kind is missing"
    if groups > (1 if row.name else 2) or groups == 1 and not row.name:
        return "find has one group, the version; without a name two, name and version"
    return ""


# Rows of `person` have no name, those of `browser` may find theirs.
_NAMED = {"bot", "system", "device", "brand"}
