"""A route whose addresses are put together by code that is made when one is asked for.

Werkzeug compiles two functions for each route, which takes half a millisecond: a tenth
of what a web server's start takes, and for most routes neither is ever called.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from werkzeug.routing import Rule


class LateRule(Rule):
    """Werkzeug's rule; `_compile_builder` is its own, and is all that is put off."""

    def _compile_builder(
        self, append_unknown: bool = True
    ) -> Callable[..., tuple[str, str]]:
        compiled = cache(super()._compile_builder)

        def build(rule: Rule, **values: Any) -> tuple[str, str]:
            return compiled(append_unknown)(rule, **values)

        return build
