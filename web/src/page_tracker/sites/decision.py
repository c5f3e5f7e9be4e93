"""The record that somebody has let in what was left out, or left it out again. Pure."""

from __future__ import annotations

import msgspec


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A decision about the hits that are left out for a reason, under a name.

    `at` is UTC, seconds; `by` is an account's name, or what else made the decision.
    """

    reason: str
    name: str
    is_let_in: bool
    by: str
    at: int
