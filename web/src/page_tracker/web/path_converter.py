"""`<anything:name>` in a route: the rest of an address, leading slashes included.

Routes that use it need `merge_slashes=False`.
"""

from __future__ import annotations

from flask.sansio.blueprints import BlueprintSetupState
from werkzeug.routing import BaseConverter


class Anything(BaseConverter):
    """Any text, as it was sent."""

    regex = ".*"
    part_isolating = False


def add_converter(state: BlueprintSetupState) -> None:
    """Make it available to the routes of a blueprint's application."""
    state.app.url_map.converters["anything"] = Anything
