"""Flags through OpenFeature's interface, decided by the file of flags.

One evaluation takes some 50 µs, nearly all of it in the SDK, and loading the SDK a
fifth of a second: it is for pages, and no hit asks for one.
https://openfeature.dev/specification/sections/providers
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import msgspec
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import FlagNotFoundError, GeneralError, TypeMismatchError
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider, Metadata

from page_tracker.flags.declared import FLAGS, Flag
from page_tracker.flags.file import Definition, FlagFile
from page_tracker.flags.rules import TARGETING_KEY

Details = FlagResolutionDetails[bool]


class Decision(msgspec.Struct, frozen=True):
    """A flag's value, OpenFeature's reason for it, and what is wrong with its rule."""

    value: bool
    reason: str
    problem: str


class FileProvider(AbstractProvider):
    """Decides flags by a file; all of them are true or false."""

    def __init__(self, file: FlagFile) -> None:
        super().__init__()
        self._file = file

    def get_metadata(self) -> Metadata:
        return Metadata(name="page-tracker's file of flags")

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,
        evaluation_context: EvaluationContext | None = None,
    ) -> Details:
        """A flag for somebody. Raises FlagNotFoundError, GeneralError."""
        if flag_key not in FLAGS:
            raise FlagNotFoundError(f"no flag {flag_key} is declared")
        definition = self._file.now().get(flag_key)
        if definition is None:
            return FlagResolutionDetails(default_value, reason=Reason.STATIC)
        if not definition.is_enabled:
            return FlagResolutionDetails(default_value, reason=Reason.DISABLED)
        return _decided(definition, evaluation_context or EvaluationContext())

    def resolve_string_details(
        self,
        flag_key: str,
        default_value: str,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[str]:
        _no_such_kind(flag_key)

    def resolve_integer_details(
        self,
        flag_key: str,
        default_value: int,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[int]:
        _no_such_kind(flag_key)

    def resolve_float_details(
        self,
        flag_key: str,
        default_value: float,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[float]:
        _no_such_kind(flag_key)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[FlagValueType] | Mapping[str, FlagValueType],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[FlagValueType] | Mapping[str, FlagValueType]]:
        _no_such_kind(flag_key)


def _no_such_kind(name: str) -> NoReturn:
    raise TypeMismatchError(f"{name}: flags here are true or false")


def _decided(definition: Definition, context: EvaluationContext) -> Details:
    known: dict[str, Any] = dict(context.attributes)
    if context.targeting_key:
        known[TARGETING_KEY] = context.targeting_key
    found = definition.rule(known)
    if found is None:
        variant, reason = definition.default, Reason.DEFAULT
    else:
        # As flagd has it, a condition's outcome may be a variant's name.
        variant = str(found).lower() if isinstance(found, bool) else str(found)
        reason = Reason.TARGETING_MATCH
    if variant not in definition.variants:
        raise GeneralError(
            f"its rule names the variant {variant!r}, which is not defined"
        )
    value = definition.variants[variant]
    return FlagResolutionDetails(value, reason=reason, variant=variant)


class Flags:
    """What is turned on for whom."""

    def __init__(self, file: FlagFile) -> None:
        self.file = file
        # To OpenFeature each file is a domain of its own.
        domain = str(file.path)
        api.set_provider_and_wait(FileProvider(file), domain)
        self._client = api.get_client(domain)

    def is_on(self, flag: Flag, person: str = "", site: str = "") -> bool:
        """Whether a flag is on for a person, by name, at a site; '' is nobody's."""
        return self.decided(flag, person, site).value

    def decided(self, flag: Flag, person: str, site: str) -> Decision:
        """The same, with how it was decided."""
        context = EvaluationContext(person or None, {"person": person, "site": site})
        found = self._client.get_boolean_details(flag.name, flag.default, context)
        return Decision(found.value, str(found.reason), found.error_message or "")

    def problem(self) -> str:
        """Why the file as it is now is not in use; '' if it is, or there is none."""
        self.file.now()
        return self.file.problem
