"""The file of flags, in flagd's format: read again whenever it has changed.

    {"flags": {"experiments-page": {"state": "ENABLED",
               "variants": {"on": true, "off": false},
               "defaultVariant": "off", "targeting": {…}}}}

A file that cannot be used is ignored: the last valid version still applies, and one
line of the log says why. Without a file every flag is what it is declared to be.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from page_tracker.errors import InvalidValueError
from page_tracker.flags.declared import FLAGS
from page_tracker.flags.rules import Rule, compiled
from page_tracker.nesting import shallow

log = logging.getLogger(__name__)

# Where it is, in the data folder.
NAME = "flags.json"
LONGEST = 1_000_000  # bytes
STATES = ("ENABLED", "DISABLED")
# What else flagd's format has, and means nothing here.
IGNORED = ("metadata",)


class Definition(msgspec.Struct, frozen=True):
    """What the file says of a flag; `rule` gives a variant's name, or nothing."""

    is_enabled: bool
    variants: Mapping[str, bool]
    default: str
    rule: Rule


Definitions = Mapping[str, Definition]


class FlagFile(msgspec.Struct):
    """The definitions of a file; safe to use from many threads.

    `problem` says why its present content is not in use; '' if it is. `report` is told
    that once.
    """

    path: Path
    report: Callable[[str], None] = log.error
    problem: str = ""
    _found: Definitions = msgspec.field(default_factory=dict)
    _stamp: object = None
    _lock: Lock = msgspec.field(default_factory=Lock)

    def now(self) -> Definitions:
        """What the last valid content says."""
        stamp = self._stamp_now()
        if stamp != self._stamp:
            with self._lock:
                if stamp != self._stamp:
                    self._read()
                    self._stamp = stamp
        return self._found

    def _stamp_now(self) -> object:
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return "none"
        except OSError as error:
            return str(error)
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    def _read(self) -> None:
        try:
            self._found = definitions(self.path.read_bytes())
            self.problem = ""
            log.info("The flags of %s are used from now on", self.path)
        except FileNotFoundError:
            self._found, self.problem = {}, ""
        except (OSError, InvalidValueError) as error:
            self.problem = f"{self.path} is invalid and is ignored: {error}"
            self.report(self.problem)


def definitions(content: bytes) -> dict[str, Definition]:
    """What a file says of each flag. Raises InvalidValueError."""
    if len(content) > LONGEST:
        raise InvalidValueError("it is too long", f"at most {LONGEST} bytes")
    try:
        said = msgspec.json.decode(shallow(content))
    except ValueError as error:
        raise InvalidValueError("it is not JSON", str(error)) from error
    flags = _object(said, "the file", ("$schema", "flags", *IGNORED)).get("flags", {})
    found = {}
    for name, flag in _object(flags, "flags", None).items():
        try:
            found[name] = _definition(name, flag)
        except InvalidValueError as error:
            raise InvalidValueError(f"{name}: {error.problem}", error.remedy) from error
    return found


def _object(value: Any, what: str, keys: tuple[str, ...] | None) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidValueError(f"{what} is not a JSON object", "write it in braces")
    for key in value:
        if keys is not None and key not in keys:
            raise InvalidValueError(
                f"{key!r} is unknown", f"there are {', '.join(keys)}"
            )
    return value


def _definition(name: str, value: Any) -> Definition:
    keys = ("state", "variants", "defaultVariant", "targeting", *IGNORED)
    said = _object(value, "a flag", keys)
    if name not in FLAGS:
        raise InvalidValueError(
            "there is no such flag", f"there are {', '.join(FLAGS)}"
        )
    state = said.get("state")
    if state not in STATES:
        raise InvalidValueError(f"state is {state!r}", f"write {' or '.join(STATES)}")
    variants = _object(said.get("variants"), "variants", None)
    if not all(isinstance(each, bool) for each in variants.values()):
        raise InvalidValueError(
            "a variant is neither true nor false", 'write {"on": true, "off": false}'
        )
    default = said.get("defaultVariant")
    if default not in variants:
        raise InvalidValueError(
            f"defaultVariant is {default!r}", f"write one of {', '.join(variants)}"
        )
    rule = compiled(said.get("targeting") or None, name)
    return Definition(state == "ENABLED", variants, default, rule)
