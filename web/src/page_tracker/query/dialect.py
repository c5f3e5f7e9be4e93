"""What databases say differently in the SQL of questions. Pure.

The compiler writes SQL that they have in common, and asks its dialect for the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

# How a text is compared with a value.
Comparison = Literal["equals", "contains", "matches"]

# What is counted distinct: of a day, told apart by the columns `visitor` and `visit`.
Counted = Literal["visitors", "visits"]


class Part(NamedTuple):
    """A SELECT of the dimensions `d0`, `d1`, …, then of these measures."""

    sql: str
    measures: tuple[str, ...]


class Dialect(Protocol):
    """Arguments are SQL, and so is what comes back, if nothing else is said."""

    # Whether a named block may be told to be evaluated once.
    is_materializing: bool

    def placeholder(self, name: str, value: object) -> str:
        """The place of a value, which is bound by this name."""

    def lowered(self, text: str) -> str:
        """A text in small letters."""

    def compared(self, how: Comparison, text: str, value: str) -> str:
        """Whether a text is, contains or matches a value.

        Patterns are those of RE2, where `.` is any character but the end of a line.
        """

    def rounded(self, number: str, digits: int) -> str:
        """A number with so many digits after the point; halves away from zero."""

    def country_name(self, code: str) -> str:
        """A country's name; the code itself if it is none."""

    def week_of(self, day: str) -> str:
        """The Monday of a day's week."""

    def month_of(self, day: str) -> str:
        """The first day of a day's month."""

    def earlier(self, instant: str, milliseconds: str) -> str:
        """An instant so much before."""

    def begin_of(self, instant: str, seconds: int, zone: str) -> str:
        """When the bucket of so many seconds began that an instant is in, by the clock
        of a zone: in seconds since 1970."""

    def pairs(self, properties: str) -> str:
        """A row for each pair of a map, with `key` and `value`."""

    def among(self, columns: Sequence[str], lists: Sequence[str]) -> str:
        """Whether the columns are, at some place, what the lists have there."""

    def last_views(self, where: str) -> str:
        """The day and visit of those of `hits` that a condition holds for, with the
        `exit_path` and `exit_hostname` of the visit's last view."""

    def distinct(
        self, counted: Sequence[Counted], dimensions: Sequence[str], source: str
    ) -> str:
        """A SELECT of the dimensions, as `d0`, `d1`, …, then of how many there are of
        what is counted; `source` begins with FROM."""

    def united(self, parts: Sequence[Part], dimensions: int) -> str:
        """All rows of the parts; NULL for measures that a part lacks."""


class DuckDbDialect:
    """What DuckDB understands."""

    is_materializing = True

    _COMPARED = {
        "equals": "{} = {}",
        "contains": "contains({}, {})",
        "matches": "regexp_matches({}, {})",
    }

    def placeholder(self, name: str, value: object) -> str:
        del value
        return f"${name}"

    def lowered(self, text: str) -> str:
        return f"lower({text})"

    def compared(self, how: Comparison, text: str, value: str) -> str:
        return self._COMPARED[how].format(text, value)

    def rounded(self, number: str, digits: int) -> str:
        return f"round({number}, {digits})"

    def country_name(self, code: str) -> str:
        named = f"SELECT any_value(c.name) FROM countries c WHERE c.code = {code}"
        return f"coalesce(({named}), {code})"

    def week_of(self, day: str) -> str:
        return f"date_trunc('week', {day})::DATE"

    def month_of(self, day: str) -> str:
        return f"date_trunc('month', {day})::DATE"

    def earlier(self, instant: str, milliseconds: str) -> str:
        return f"({instant} - to_milliseconds({milliseconds}))"

    def begin_of(self, instant: str, seconds: int, zone: str) -> str:
        past = f"epoch_us({instant} AT TIME ZONE {zone}) % {1_000_000 * seconds}"
        return f"((epoch_us({instant}) - {past}) // 1000000)"

    def pairs(self, properties: str) -> str:
        return f"unnest(map_entries({properties}))"

    def among(self, columns: Sequence[str], lists: Sequence[str]) -> str:
        wanted = ", ".join(f"unnest({each})" for each in lists)
        return f"({', '.join(columns)}) IN (SELECT {wanted})"

    def last_views(self, where: str) -> str:
        # The last one is that which no further view follows.
        return (
            "SELECT day, visit, path AS exit_path, hostname AS exit_hostname\n"
            "FROM hits ANTI JOIN (\n"
            f"  SELECT day, visit, view - 1 AS view FROM hits WHERE {where}"
            " AND view > 1\n"
            f") followed USING (day, visit, view) WHERE {where} AND view > 0"
        )

    def distinct(
        self, counted: Sequence[Counted], dimensions: Sequence[str], source: str
    ) -> str:
        named = [f"{sql} AS d{index}" for index, sql in enumerate(dimensions)]
        dims = [f"d{index}" for index in range(len(dimensions))]
        apart = ["day", "visitor", *["visit"] * ("visits" in counted)]
        found = f"SELECT DISTINCT {', '.join([*named, *apart])} {source}"
        counts = {name: "count(*)" for name in counted}
        if len(counted) > 1:
            keys = ", ".join([*dims, "day", "visitor"])
            found = f"SELECT {keys}, count(*) AS its FROM ({found}) GROUP BY {keys}"
            counts = {"visitors": "count(*)", "visits": "sum(its)"}
        columns = [*dims, *(f"{sql} AS {name}" for name, sql in counts.items())]
        group = f"\nGROUP BY {', '.join(dims)}" if dims else ""
        return f"SELECT {', '.join(columns)}\nFROM ({found}){group}"

    def united(self, parts: Sequence[Part], dimensions: int) -> str:
        del dimensions
        return "\nUNION ALL BY NAME\n".join(part.sql for part in parts)


DUCKDB = DuckDbDialect()
