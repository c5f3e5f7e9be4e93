"""Schemas of sites, goals, segments and tokens, from the records that are stored."""

from __future__ import annotations

from typing import Any

import msgspec

from page_tracker.schema import LIMITS, PROP_KEY_LIMIT, PROP_VALUE_LIMIT, PROPS_LIMIT
from page_tracker.sites.annotation import LONGEST_TEXT, Annotation
from page_tracker.sites.decision import Decision
from page_tracker.sites.goal import MAX_NAME
from page_tracker.sites.settings import BESIDE, SETTINGS
from page_tracker.sites.site import Site
from page_tracker.sites.token import Scope, Token
from page_tracker.store.tokens import MAX_NAME as LONGEST_TOKEN_NAME
from page_tracker.store.tokens import MAX_TOKEN_DAYS
from page_tracker.web.openapi.schemas import (
    SITE,
    Schema,
    list_of,
    one_of,
    record,
    ref,
    text,
    whole,
)


def _properties(kept: type[Any]) -> dict[str, Schema]:
    """The schemas of a record's fields; each is always present, so without defaults."""
    (_, *_), components = msgspec.json.schema_components([kept])
    properties = components[kept.__name__]["properties"]
    return {
        name: {key: value for key, value in schema.items() if key != "default"}
        for name, schema in properties.items()
    }


def _site() -> Schema:
    kept = _properties(Site)
    shown = {"domain": kept["id"]}
    shown |= {name: kept[name] for name in SETTINGS}
    shown |= {name: kept[name] for name in BESIDE}
    return record(shown | {"let_in": list_of(record(_properties(Decision)))})


def _settings() -> dict[str, Schema]:
    """Settings as they may be sent: as they are shown, or as a person types them."""
    kept = _properties(Site)
    usual = msgspec.to_builtins(Site(id=SITE))
    return {
        name: {
            "anyOf": [kept[name], text()],
            "description": setting.help,
            "examples": [usual[name]],
        }
        for name, setting in SETTINGS.items()
    }


def _goal() -> Schema:
    props = {
        "type": "object",
        "maxProperties": PROPS_LIMIT,
        "propertyNames": text(PROP_KEY_LIMIT),
        "additionalProperties": text(PROP_VALUE_LIMIT),
    }
    return record(
        {
            "name": text(MAX_NAME),
            "event": text(LIMITS["name"]),
            "page": text(LIMITS["path"]),
            "props": props,
            "currency": text(3) | {"description": "ISO 4217, of an event."},
        },
        (),
        "An event by name, or a page: `*` is anything but a slash, `**` anything.",
    ) | {"anyOf": [{"required": ["event"]}, {"required": ["page"]}]}


def _token() -> dict[str, Schema]:
    kept = _properties(Token) | {"scope": one_of(*Scope)}
    names = ("id", "name", "scope", "sites", "created", "expires")
    return {name: kept[name] for name in names}


def _new_token() -> Schema:
    days = whole(1, MAX_TOKEN_DAYS) | {"type": ["integer", "null"]}
    some = list_of(text(), 1) | {"type": ["array", "null"]}
    return record(
        {
            "scope": one_of(*Scope),
            "sites": some | {"examples": [[SITE]]},
            "all_sites": {"type": "boolean"},
            "name": text(LONGEST_TOKEN_NAME),
            "days": days,
        },
        ("scope",),
    ) | {"anyOf": [{"required": ["sites"]}, {"required": ["all_sites"]}]}


def _open(properties: dict[str, Schema], *required: str) -> Schema:
    """An object that may have more than this, which is not looked at."""
    return {"type": "object", "properties": properties, "required": list(required)}


def _plausible_schemas() -> dict[str, Schema]:
    """What Plausible's Sites API is told."""
    site = {"site_id": text(like=SITE)}
    return {
        "PlausibleSite": _open(
            {
                "domain": text(like="example.org"),
                "timezone": text(like="Europe/Berlin"),
            },
            "domain",
        ),
        "PlausibleMove": _open({"domain": text(like="moved.example")}),
        "PlausibleProperty": _open({"property": text()} | site, "site_id", "property"),
        "PlausibleLink": _open({"name": text()} | site, "site_id", "name"),
        "PlausibleGuest": _open(
            {"email": text(), "role": one_of("viewer", "editor")} | site,
            *("site_id", "email", "role"),
        ),
        "PlausibleGoal": _open(
            {
                "site_id": text(like=SITE),
                "goal_type": one_of("event", "page"),
                "event_name": text(),
                "page_path": text(like="/docs/**"),
                "display_name": text(),
                "custom_props": {"type": "object"},
            },
            *("site_id", "goal_type"),
        ),
    }


def owner_schemas() -> dict[str, Schema]:
    """All schemas of an owner's actions, by name."""
    segment = {"name": text(MAX_NAME, 1), "filters": list_of(ref("Filter"), 1)}
    goal = _goal()
    agreed = whole(1) | {
        "description": "How many hits a site's new retention deletes for good."
    }
    day = text(like="2026-01-31")
    return {
        "Site": _site(),
        "Sites": record({"sites": list_of(ref("Site"))}),
        "SiteSettings": record({**_settings(), "delete_hits": agreed}, ()),
        "NewSite": record(
            {
                "domain": text(like="example.org"),
                **_settings(),
                "delete_hits": agreed,
            },
            ("domain",),
        ),
        **_plausible_schemas(),
        "Goal": record(goal["properties"]),
        "Goals": record({"goals": list_of(ref("Goal"))}),
        "NewGoal": goal,
        "Segment": record({"id": whole(1), **segment}),
        "Segments": record({"segments": list_of(ref("Segment"))}),
        "NewSegment": record(segment),
        "Annotation": record(_properties(Annotation)),
        "Annotations": record({"annotations": list_of(ref("Annotation"))}),
        "NewAnnotation": record(
            {
                "date": text(like="2026-01-31"),
                "time": text(like="14:30"),
                "text": text(LONGEST_TEXT, 1),
            },
            ("date", "text"),
        ),
        "Token": record(_token()),
        "Tokens": record({"tokens": list_of(ref("Token"))}),
        "NewToken": _new_token(),
        "MadeToken": record({**_token(), "token": text()}),
        "Address": record({"address": text(), "why": text()}),
        "Error": record(
            {"error": text(), "delete_hits": agreed, "first_day": day, "last_day": day},
            ("error",),
        ),
    }
