"""The rules of a flag: flagd's targeting, which is JsonLogic, read once. Pure.

    {"if": [{"in": [{"var": "site"}, ["example.com"]]}, "on", "off"]}
    {"fractional": [["on", 5], ["off", 95]]}

Of its operators we have those below; any other is refused when the file is read. Shares
are dealt by SHA-256 (`shares`), not as flagd deals them: its programs differ.
https://flagd.dev/reference/flag-definitions/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from page_tracker.errors import InvalidValueError
from page_tracker.plural import counted
from page_tracker.shares import dealt

Context = Mapping[str, Any]
Rule = Callable[[Context], Any]

# To whom shares are dealt, where a rule names nothing else.
TARGETING_KEY = "targetingKey"
DEEPEST = 20


def _if(parts: Sequence[Any]) -> Any:
    """The value behind the first condition that holds; else the last, or nothing."""
    pairs, rest = parts[: len(parts) // 2 * 2], parts[len(parts) // 2 * 2 :]
    for condition, value in zip(pairs[::2], pairs[1::2], strict=True):
        if condition:
            return value
    return rest[0] if rest else None


def _starts(parts: Sequence[Any]) -> bool:
    return str(parts[0]).startswith(str(parts[1]))


def _ends(parts: Sequence[Any]) -> bool:
    return str(parts[0]).endswith(str(parts[1]))


def _in(parts: Sequence[Any]) -> bool:
    """Whether something is in a list, or in a text."""
    value, where = parts
    return value in where if isinstance(where, list) else str(value) in str(where or "")


# Each with the number of values that it takes; None for any number.
OPERATORS: dict[str, tuple[Callable[[Sequence[Any]], Any], int | None]] = {
    "if": (_if, None),
    "and": (all, None),
    "or": (any, None),
    "!": (lambda parts: not parts[0], 1),
    "==": (lambda parts: parts[0] == parts[1], 2),
    "===": (lambda parts: parts[0] == parts[1], 2),
    "!=": (lambda parts: parts[0] != parts[1], 2),
    "!==": (lambda parts: parts[0] != parts[1], 2),
    "in": (_in, 2),
    "cat": (lambda parts: "".join(map(str, parts)), None),
    "starts_with": (_starts, 2),
    "ends_with": (_ends, 2),
}


def compiled(rule: Any, flag: str, depth: int = 0) -> Rule:
    """The rule of a flag, ready to be applied. Raises InvalidValueError."""
    if depth > DEEPEST:
        raise InvalidValueError("a rule nests too deep", f"at most {DEEPEST} deep")
    if isinstance(rule, list):
        parts = [compiled(each, flag, depth + 1) for each in rule]
        return lambda context: [part(context) for part in parts]
    if not isinstance(rule, dict):
        return lambda _: rule
    if len(rule) != 1:
        raise InvalidValueError(
            f"a rule needs exactly one operator, found {len(rule)}",
            'write it like {"==": [{"var": "site"}, "example.com"]}',
        )
    ((operator, said),) = rule.items()
    arguments = said if isinstance(said, list) else [said]
    if operator == "var":
        return _variable(arguments, flag)
    if operator == "fractional":
        return _fractional(arguments, flag, depth)
    return _operation(operator, arguments, flag, depth)


def _operation(operator: str, arguments: list[Any], flag: str, depth: int) -> Rule:
    if operator not in OPERATORS:
        known = ", ".join([*OPERATORS, "var", "fractional"])
        raise InvalidValueError(f"there is no operator {operator!r}", f"take {known}")
    function, takes = OPERATORS[operator]
    if takes is not None and len(arguments) != takes:
        raise InvalidValueError(
            f"{operator} takes {counted(takes, 'value')}, got {len(arguments)}",
            "write them as a list",
        )
    parts = [compiled(each, flag, depth + 1) for each in arguments]
    return lambda context: function([part(context) for part in parts])


def _variable(arguments: list[Any], flag: str) -> Rule:
    name, *default = arguments or [""]
    if not isinstance(name, str):
        raise InvalidValueError("var names no text", 'write it like {"var": "site"}')
    if name == "$flagd.flagKey":
        return lambda _: flag
    return lambda context: context.get(name, default[0] if default else None)


def _fractional(arguments: list[Any], flag: str, depth: int) -> Rule:
    """A share of all for each variant; nothing for who has no key to be dealt by."""
    by: Any = {"cat": [{"var": "$flagd.flagKey"}, {"var": TARGETING_KEY}]}
    needed, parts = {"var": TARGETING_KEY}, arguments
    if arguments and not isinstance(arguments[0], list):
        by, *parts = arguments
        needed = by
    shares = [_share(part) for part in parts]
    if not sum(share for _, share in shares):
        raise InvalidValueError(
            "fractional has no shares", 'write it like [["on", 5], ["off", 95]]'
        )
    key, has_key = compiled(by, flag, depth + 1), compiled(needed, flag, depth + 1)
    return lambda context: (
        dealt(str(key(context)), shares) if has_key(context) else None
    )


def _share(part: Any) -> tuple[str, float]:
    match part:
        case [str() as variant]:
            return variant, 1
        case [str() as variant, int() | float() as share] if share >= 0:
            return variant, share
    raise InvalidValueError(
        f"{part!r} is not a share", 'write a variant and a number, like ["on", 5]'
    )
