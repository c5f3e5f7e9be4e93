"""The OpenAPI document, made from the table of operations."""

from __future__ import annotations

import re
from importlib.metadata import version

from page_tracker.web.openapi.experiment_schemas import experiment_schemas
from page_tracker.web.openapi.operation import ALWAYS, REFUSALS, Operation
from page_tracker.web.openapi.operations import OPERATIONS
from page_tracker.web.openapi.owner_schemas import owner_schemas
from page_tracker.web.openapi.query_schemas import question_schemas
from page_tracker.web.openapi.schemas import SITE, Schema, ref, text, whole

OPENAPI = "3.1.0"
TITLE = "Page Tracker"
SAYS = (
    "What was counted, and the sites, goals, segments and tokens that it is counted"
    " and asked by. Questions have the grammar of Plausible's Stats API v2."
)
JSON = "application/json"
# `<converter:name>`, the parameters of routes.
_PARAMETER = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")


def document() -> Schema:
    """The whole document."""
    paths: dict[str, Schema] = {}
    for (method, rule), operation in OPERATIONS.items():
        path = paths.setdefault(_PARAMETER.sub(r"{\g<name>}", rule), {})
        path[method.lower()] = _described(rule, operation)
    return {
        "openapi": OPENAPI,
        "info": {
            "title": TITLE,
            "version": version("page-tracker"),
            "description": SAYS,
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": question_schemas() | experiment_schemas() | owner_schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _described(rule: str, operation: Operation) -> Schema:
    found: Schema = {
        "operationId": operation.name,
        "summary": operation.summary,
        "responses": _responses(operation),
    }
    if operation.scope:
        found["description"] = f"Needs a token of scope {operation.scope}."
    else:
        found["security"] = []
    if parameters := _parameters(rule, operation):
        found["parameters"] = parameters
    if operation.body:
        found["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": ref(operation.body)}},
        }
    return found


def _parameters(rule: str, operation: Operation) -> list[Schema]:
    places = {
        each["name"]: whole(0) if each["kind"] == "int" else text(least=1)
        for each in _PARAMETER.finditer(rule)
    }
    for name in places.keys() & {"domain", "site_id"}:
        places[name]["examples"] = [SITE]
    places |= operation.path
    return [
        {"name": name, "in": place, "required": is_required, "schema": schema}
        for place, is_required, named in (
            ("path", True, places),
            ("query", True, operation.query),
            ("query", False, operation.optional),
        )
        for name, schema in named.items()
    ]


def _responses(operation: Operation) -> dict[str, Schema]:
    good: Schema = {"description": "Done."}
    if operation.answer:
        is_name = isinstance(operation.answer, str)
        schema = ref(str(operation.answer)) if is_name else operation.answer
        good["content"] = {JSON: {"schema": schema}}
    refusals = (*operation.refusals, *ALWAYS) if operation.scope else ()
    error = {JSON: {"schema": ref("Error")}}
    return {str(operation.status): good} | {
        str(status): {"description": REFUSALS[status], "content": error}
        for status in sorted(refusals)
    }
