"""`/api/v0`: what GoatCounter's own programs ask for.

Hits are sent to `/api/v0/count`, which is `protocols/goatcounter_api.py`. See
https://www.goatcounter.com/help/api.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from page_tracker.sites.token import Scope
from page_tracker.web.api.failures import register_failures
from page_tracker.web.token_guard import Guard

# What a token may do, in GoatCounter's numbers: 2 is to count, 4 to export, 8 to read
# sites, 16 to add and 32 to change them, 64 to read statistics.
_COUNT, _READ_SITES, _STATS = 2, 8, 64
PERMISSIONS = {
    Scope.EVENTS: _COUNT,
    Scope.STATS: _READ_SITES | _STATS,
    Scope.ADMIN: _COUNT | _READ_SITES | _STATS,
}


def goatcounter_api(guard: Guard) -> Blueprint:
    """The routes for holders of tokens."""
    blueprint = Blueprint("goatcounter", __name__, url_prefix="/api/v0")
    register_failures(blueprint)

    @blueprint.get("/me")
    def me() -> Response:
        """Whose token it is, and what it may do: importers ask before they begin."""
        token = guard.token()
        shown = {"name": token.name, "permissions": PERMISSIONS[token.scope]}
        return jsonify(user={}, token=shown)

    return blueprint
