"""What stands in routes for a name:

- `<anything:name>`: the rest of an address, leading slashes included. Such a route
  needs `merge_slashes=False`.
- `<domain:name>`: a name with a dot, which no other route begins with.
- `<site:name>`: any name of a site but the words that stand there in other routes.
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


class SiteBesideWords(BaseConverter):
    """Any name of a site, and none of the words beside it in Plausible's Sites API.

    Else to remove a goal without naming it would be to remove the site of that name.
    """

    WORDS = ("custom-props", "goals", "guests", "shared-links", "teams")
    regex = rf"(?!(?:{'|'.join(WORDS)})$)[^/]+"


def add_converters(state: BlueprintSetupState) -> None:
    """Make them available to the routes of a blueprint's application."""
    state.app.url_map.converters |= {
        "anything": Anything,
        "domain": Domain,
        "site": SiteBesideWords,
    }
