"""Python's rows as Arrow columns, and the schema's types as Delta names them. Pure.

rows (tuples in the schema's order) → columns (zip) → arrays → one Arrow table
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain
from typing import Any

from arro3.core import Array, DataType, Field, Table, list_array, struct_array
from deltalake import Schema
from deltalake.schema import Field as DeltaField
from deltalake.schema import MapType, PrimitiveType

from page_tracker.schema import Column

Row = tuple[Any, ...]

_DELTA_TYPES: dict[str, PrimitiveType | MapType] = {
    "string": PrimitiveType("string"),
    "int32": PrimitiveType("integer"),
    "int64": PrimitiveType("long"),
    "bool": PrimitiveType("boolean"),
    "date": PrimitiveType("date"),
    "timestamp": PrimitiveType("timestamp"),
    "map": MapType(
        PrimitiveType("string"), PrimitiveType("string"), value_contains_null=False
    ),
}

_PLAIN_TYPES = {
    "string": DataType.utf8(),
    "int32": DataType.int32(),
    "int64": DataType.int64(),
    "bool": DataType.bool(),
}

_KEY = Field("key", DataType.utf8(), nullable=False)
_VALUE = Field("value", DataType.utf8(), nullable=False)
_MAP = Field("", DataType.map(_KEY, _VALUE, False))


def delta_schema(columns: Sequence[Column]) -> Schema:
    """The columns as a Delta schema."""
    return Schema(
        [
            DeltaField(column.name, _DELTA_TYPES[column.type], nullable=column.nullable)
            for column in columns
        ]
    )


def arrow_table(columns: Sequence[Column], rows: Sequence[Row]) -> Table:
    """Turn rows in the order of `columns` into an Arrow table.

    A date is days and a timestamp microseconds since 1970-01-01 UTC, a map a dict of
    strings. Raises an Exception (arro3 has no other) where a value is of another type,
    too large, or missing in a column that needs one.
    """
    values = zip(*rows, strict=True) if rows else ((),) * len(columns)
    arrays = [
        _array(column.type, list(column_values))
        for column, column_values in zip(columns, values, strict=True)
    ]
    for column, array in zip(columns, arrays, strict=True):
        if array.null_count and not column.nullable:
            raise ValueError(f"{column.name} is missing in {array.null_count} rows")
    return Table.from_arrays(arrays, names=[column.name for column in columns])


def _array(kind: str, values: list[Any]) -> Array:
    if kind == "map":
        return _map_array(values)
    if kind == "date":
        return Array(values, type=DataType.int32()).cast(DataType.date32())
    if kind == "timestamp":
        whole = Array(values, type=DataType.int64())
        return whole.cast(DataType.timestamp("us", tz="UTC"))
    return Array(values, type=_PLAIN_TYPES[kind])


def _map_array(maps: list[dict[str, str]]) -> Array:
    offsets = list(accumulate(map(len, maps), initial=0))
    entries = struct_array(
        [
            Array(list(chain.from_iterable(maps)), type=DataType.utf8()),
            Array(
                list(chain.from_iterable(each.values() for each in maps)),
                type=DataType.utf8(),
            ),
        ],
        fields=[_KEY, _VALUE],
    )
    return Array.from_arrow(
        _AsMap(list_array(Array(offsets, type=DataType.int32()), entries))
    )


class _AsMap:
    """A list of entries under the name of a map: in Arrow both are laid out alike,
    and arro3 can make the one but not the other."""

    def __init__(self, entries: Array) -> None:
        self.entries = entries

    def __arrow_c_array__(
        self, _requested_schema: object | None = None
    ) -> tuple[object, object]:
        return _MAP.__arrow_c_schema__(), self.entries.__arrow_c_array__()[1]
