"""What adds up over the rows of `hits`: each sum as SQL. Pure.

Questions, day tables, and what is subtracted from the live counters all use these. The
store's script computes the same sums as hits come in.
"""

from __future__ import annotations

from typing import NamedTuple


class Sum(NamedTuple):
    """An SQL aggregate, and the columns of `hits` that it reads."""

    sql: str
    columns: tuple[str, ...] = ()


ROWS = Sum("count(*)")
VISITORS = Sum("count(*) FILTER (WHERE arrival)", ("arrival",))
VIEWS = Sum("count(*) FILTER (WHERE view > 0)", ("view",))
EVENTS = Sum("count(*) FILTER (WHERE step > 0)", ("step",))
SINCE = Sum("sum(since)", ("since",))


def visits(holds: str = "") -> Sum:
    """Visits whose first hit fulfils the condition `holds`, if there is one."""
    return Sum(_number("step = 1", holds), ("step",))


def bounces(holds: str = "") -> Sum:
    """Visits with fewer than two interactions, of those whose rows fulfil `holds`."""
    return Sum(
        f"{visits(holds).sql} - {_number('interaction = 2', holds)}",
        ("step", "interaction"),
    )


def revenue(currency: str) -> Sum:
    """Thousandths of a unit of the currency, which is SQL."""
    return Sum(
        f"sum(revenue) FILTER (WHERE currency = {currency})", ("revenue", "currency")
    )


def paid(currency: str) -> Sum:
    """Events with revenue in the currency, which is SQL."""
    return Sum(
        f"count(revenue) FILTER (WHERE currency = {currency})",
        ("revenue", "currency"),
    )


def _number(*conditions: str) -> str:
    return f"count(*) FILTER (WHERE {' AND '.join(filter(None, conditions))})"
