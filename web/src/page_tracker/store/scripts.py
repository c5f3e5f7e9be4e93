"""The scripts that Redis runs, from their files in `lua/`.

What a script must know that Python knows too is put in front of it as constants.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Literal

from page_tracker.store.keys import OTHER, ShardKey

# What a script needs beside the right to write: one with `no-writes` runs on a replica
# too, one with `allow-oom` where the memory is full, to make it less full.
Flag = Literal["no-writes", "allow-oom"]

Constant = str | int | Sequence[str] | Mapping[str, str]


def script(
    *names: str,
    flag: Flag | None = None,
    constants: Mapping[str, Constant] | None = None,
) -> bytes:
    """The script that these files make, one after the other, with constants in front.

    KEY has the kinds of a shard's keys, OTHER the name of what is beyond a bound.
    """
    folder = files("page_tracker.store") / "lua"
    head = f"#!lua flags={flag}\n" if flag else "#!lua\n"
    known: dict[str, Constant] = {
        "KEY": {kind.value: kind.value for kind in ShardKey},
        "OTHER": OTHER,
        **(constants or {}),
    }
    lines = [f"local {name} = {_as_lua(value)}\n" for name, value in known.items()]
    parts = [(folder / f"{name}.lua").read_text("utf-8") for name in names]
    return "".join((head, *lines, *parts)).encode()


def _as_lua(value: Constant) -> str:
    """A constant as Lua writes it; texts have no quotation marks."""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, Mapping):
        fields = ", ".join(f"{name} = {_as_lua(it)}" for name, it in value.items())
        return f"{{ {fields} }}"
    return f"{{ {', '.join(map(_as_lua, value))} }}"
