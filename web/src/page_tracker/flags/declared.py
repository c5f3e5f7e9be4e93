"""Every flag that there is, with who answers for it and until when. Pure.

A flag is for a while: once its feature is for everybody, or for nobody, the flag goes
and its code with it. A test fails on the day after `until`.
"""

from __future__ import annotations

from datetime import date

import msgspec


class Flag(msgspec.Struct, frozen=True):
    """A flag; it is `default` wherever the file of flags says nothing else."""

    name: str
    default: bool
    owner: str
    purpose: str
    until: date


EXPERIMENTS_PAGE = Flag(
    "experiments-page",
    default=True,
    owner="pages",
    purpose="Compare variants, on a site's page",
    until=date(2027, 5, 31),
)

FLAGS = {flag.name: flag for flag in (EXPERIMENTS_PAGE,)}
