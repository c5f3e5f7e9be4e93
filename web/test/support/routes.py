"""What builds the address of a route, compiled once for all applications of the tests.

Werkzeug writes and compiles two functions for each route of each application, which
takes most of the time that it takes to make one; tests make thousands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule

# pylint: disable=protected-access # there is no public way to it

Builder = Callable[..., tuple[str, str]]

_compile = Rule._compile_builder
_compiled: dict[Any, Builder] = {}


def _compiled_once(rule: Rule, append_unknown: bool = True) -> Builder:
    """The function; it is given the rule that it is for when it is called."""
    if rule.defaults:  # are in the function, in the converters' words
        return _compile(rule, append_unknown)
    key = (rule.rule, *rule._trace, append_unknown)
    if key not in _compiled:
        _compiled[key] = _compile(rule, append_unknown)
    return _compiled[key]


def compile_once() -> None:
    """Let every application share them, from now on."""
    setattr(Rule, "_compile_builder", _compiled_once)
