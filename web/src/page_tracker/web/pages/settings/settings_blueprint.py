"""The blueprint of a site's settings."""

from __future__ import annotations

from flask import Blueprint

from page_tracker.web.pages.settings.counting_forms import register_counting
from page_tracker.web.pages.settings.deletion_forms import register_deletion
from page_tracker.web.pages.settings.goal_forms import register_goals
from page_tracker.web.pages.settings.own_visits import register_own_visits
from page_tracker.web.pages.settings.section import SettingsServices
from page_tracker.web.pages.settings.sharing_forms import register_sharing
from page_tracker.web.pages.settings.token_forms import register_tokens
from page_tracker.web.path_converter import add_converters


def settings_pages(services: SettingsServices) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("settings", __name__)
    blueprint.record(add_converters)
    for register in (
        register_counting,
        register_goals,
        register_tokens,
        register_sharing,
        register_deletion,
        register_own_visits,
    ):
        register(blueprint, services)
    return blueprint
