"""Small JSON Schemas (2020-12, as in OpenAPI 3.1). Pure."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

# The site in all examples.
SITE = "example.com"


def ref(name: str) -> Schema:
    """The schema with that name among the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def record(
    properties: dict[str, Schema],
    required: tuple[str, ...] | None = None,
    description: str = "",
) -> Schema:
    """An object of only these properties; all are required if none are named."""
    found: Schema = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    names = tuple(properties) if required is None else required
    if names:
        found["required"] = list(names)
    return found | ({"description": description} if description else {})


def list_of(items: Schema, least: int = 0, most: int | None = None) -> Schema:
    found: Schema = {"type": "array", "items": items}
    if least:
        found["minItems"] = least
    return found if most is None else found | {"maxItems": most}


def tuple_of(*items: Schema, optional: int = 0) -> Schema:
    """A list with a schema for each place; the last `optional` ones may be missing."""
    return {
        "type": "array",
        "prefixItems": list(items),
        "items": False,
        "minItems": len(items) - optional,
        "maxItems": len(items),
    }


def one_of(*names: str) -> Schema:
    return {"type": "string", "enum": list(names)}


def text(most: int | None = None, least: int = 0, *, like: str = "") -> Schema:
    """A string of at most this many characters, like the example."""
    found: Schema = {"type": "string"}
    if like:
        found["examples"] = [like]
    if least:
        found["minLength"] = least
    return found if most is None else found | {"maxLength": most}


def whole(least: int | None = None, most: int | None = None) -> Schema:
    """A whole number within these bounds."""
    found: Schema = {"type": "integer"}
    if least is not None:
        found["minimum"] = least
    return found if most is None else found | {"maximum": most}
