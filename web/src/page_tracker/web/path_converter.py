"""`<anything:name>`: the rest of an address, slashes at its beginning too.

Routes with it need `merge_slashes=False`.
"""

from __future__ import annotations

from flask.sansio.blueprints import BlueprintSetupState
from werkzeug.routing import BaseConverter


class Anything(BaseConverter):
    """Any text, as it was sent."""

    regex = ".*"
    part_isolating = False


def add_converter(state: BlueprintSetupState) -> None:
    """Let routes of a blueprint's application have it."""
    state.app.url_map.converters["anything"] = Anything
