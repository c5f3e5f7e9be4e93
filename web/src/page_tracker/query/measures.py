"""What adds up over the rows of `hits`: each measure as SQL. Pure.

Questions, day tables and what is taken off the live counters all add up by these. The
store adds up the same in its script as hits come in.
"""

from __future__ import annotations

VISITORS = "count(*) FILTER (arrival)"
VIEWS = "count(*) FILTER (view > 0)"
EVENTS = "count(*) FILTER (step > 0)"
SINCE = "sum(since)"


def visits(holds: str = "") -> str:
    """Visits whose first hit fulfils the condition `holds`, if there is one."""
    return _number("step = 1", holds)


def bounces(holds: str = "") -> str:
    """Visits with fewer than two interactions, of those whose rows fulfil `holds`."""
    return f"{visits(holds)} - {_number('interaction = 2', holds)}"


def _number(*conditions: str) -> str:
    return f"count(*) FILTER ({' AND '.join(filter(None, conditions))})"
