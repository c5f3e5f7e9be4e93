"""`<anything:name>` in a route: the rest of an address, leading slashes included; and
`<domain:name>`: a name with a dot, which no other route begins with.

Routes that use the first need `merge_slashes=False`.
"""

from __future__ import annotations

from flask.sansio.blueprints import BlueprintSetupState
from werkzeug.routing import BaseConverter


class Anything(BaseConverter):
    """Any text, as it was sent."""

    regex = ".*"
    part_isolating = False


class Domain(BaseConverter):
    """A site, and none of the words beside it."""

    regex = r"[^/]+\.[^/]+"


def add_converters(state: BlueprintSetupState) -> None:
    """Make them available to the routes of a blueprint's application."""
    state.app.url_map.converters |= {"anything": Anything, "domain": Domain}
