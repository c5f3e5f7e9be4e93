"""What ClickHouse (25.8 or newer) understands. Pure.

A statement is asked with SETTINGS, which make the SQL that it has in common with DuckDB
mean the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from page_tracker.query import countries
from page_tracker.query.dialect import Comparison, Counted, Part

SETTINGS: Mapping[str, str | int] = {
    # The lake's times come without a zone: they are UTC.
    "session_timezone": "UTC",
    # What a join finds no partner for is NULL, and no '' or 0.
    "join_use_nulls": 1,
    # In `sum(x) AS x … HAVING sum(x) > 0` the inner x is the column.
    "prefer_column_name_to_alias": 1,
    "cast_keep_nullable": 1,
}

_APART: Mapping[Counted, str] = {"visitors": "visitor", "visits": "visit"}

# Two letters that the small ones of DuckDB, which knows no context, differ in.
_CAPITALS, _SMALL = "İΣ", "iσ"


def quoted(text: str) -> str:
    """A text as a literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def value_of(value: object) -> object:
    """A value as the client sends it, which would cut an instant's microseconds off."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return value


class ClickHouseDialect:
    """What ClickHouse understands."""

    # Not all versions can be told to.
    is_materializing = False

    _COMPARED = {
        "equals": "{} = {}",
        "contains": "position({}, {}) > 0",
        # Without (?-s) a dot would be the end of a line, too.
        "matches": "match({}, concat('(?-s)', {}))",
    }

    def placeholder(self, name: str, value: object) -> str:
        return f"{{{name}:{_type_of(value)}}}"

    def lowered(self, text: str) -> str:
        return f"lowerUTF8(translateUTF8({text}, '{_CAPITALS}', '{_SMALL}'))"

    def compared(self, how: Comparison, text: str, value: str) -> str:
        return self._COMPARED[how].format(text, value)

    def rounded(self, number: str, digits: int) -> str:
        # round() takes halves to even numbers.
        scaled = f"({number}) * {10**digits}"
        over = f"(abs({scaled} - trunc({scaled})) >= 0.5) * sign({scaled})"
        return f"(trunc({scaled}) + {over}) / {10**digits}"

    def country_name(self, code: str) -> str:
        codes, names = (
            ", ".join(map(quoted, texts)) for texts in zip(*countries.names().items())
        )
        return f"transform({code}, [{codes}], [{names}], {code})"

    def week_of(self, day: str) -> str:
        return f"toDate32(toMonday({day}))"

    def month_of(self, day: str) -> str:
        return f"toDate32(toStartOfMonth({day}))"

    def earlier(self, instant: str, milliseconds: str) -> str:
        return f"({instant} - toIntervalMillisecond({milliseconds}))"

    def begin_of(self, instant: str, seconds: int, zone: str) -> str:
        since = f"toUnixTimestamp64Micro({instant})"
        local = f"{since} + 1000000 * timezoneOffset(toTimeZone({instant}, {zone}))"
        return f"intDiv({since} - ({local}) % {1_000_000 * seconds}, 1000000)"

    def pairs(self, properties: str) -> str:
        zipped = f"arrayZip(mapKeys({properties}), mapValues({properties}))"
        return f"CAST(arrayJoin({zipped}) AS Tuple(key String, value String))"

    def among(self, columns: Sequence[str], lists: Sequence[str]) -> str:
        if len(lists) == 1:
            return f"has({lists[0]}, {columns[0]})"
        return f"has(arrayZip({', '.join(lists)}), ({', '.join(columns)}))"

    def last_views(self, where: str) -> str:
        return (
            "SELECT day, visit, argMax(path, view) AS exit_path,"
            " argMax(hostname, view) AS exit_hostname\n"
            f"FROM hits WHERE {where} AND view > 0 GROUP BY day, visit"
        )

    def distinct(
        self, counted: Sequence[Counted], dimensions: Sequence[str], source: str
    ) -> str:
        # Day by day, as a day's sets are small: a third of what rows without their
        # doubles take, or one large set.
        dims = [f"d{index}" for index in range(len(dimensions))]
        named = [f"{sql} AS {dim}" for sql, dim in zip(dimensions, dims, strict=True)]
        sizes = [f"uniqExact({_APART[name]}) AS its_{name}" for name in counted]
        of_days = (
            f"SELECT {', '.join([*named, 'day', *sizes])} {source}\n"
            f"GROUP BY {', '.join([*dims, 'day'])}"
        )
        columns = [*dims, *(f"sum(its_{name}) AS {name}" for name in counted)]
        group = f"\nGROUP BY {', '.join(dims)}" if dims else ""
        return f"SELECT {', '.join(columns)}\nFROM ({of_days}){group}"

    def united(self, parts: Sequence[Part], dimensions: int) -> str:
        names = dict.fromkeys(name for part in parts for name in part.measures)
        dims = [f"d{index}" for index in range(dimensions)]
        selects = (", ".join([*dims, *_measures(names, part)]) for part in parts)
        return "\nUNION ALL\n".join(
            f"SELECT {columns} FROM (\n{part.sql}\n)"
            for columns, part in zip(selects, parts, strict=True)
        )


CLICKHOUSE = ClickHouseDialect()


def _measures(names: Mapping[str, None], part: Part) -> list[str]:
    """All measures by name, in one type; those that a part lacks are NULL."""
    found = {name: name if name in part.measures else "NULL" for name in names}
    return [f"CAST({sql} AS Nullable(Int64)) AS {name}" for name, sql in found.items()]


def _type_of(value: object) -> str:
    """The type of a value that a statement names it by."""
    match value:
        case datetime():
            return "DateTime64(6, 'UTC')"
        case date():
            return "Date32"
        case int():
            return "Int64"
        case list():
            return "Array(String)"
        case _:
            return "String"
