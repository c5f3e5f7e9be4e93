"""`/api/v1/stats/…`: Plausible's Stats API v1. The figures are those of v2."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, jsonify, request

from page_tracker.days import MICROSECONDS
from page_tracker.query import stats_v1
from page_tracker.sites.site import zone_at
from page_tracker.store.counters import Live
from page_tracker.store.sites import Sites
from page_tracker.web.api.failures import register_failures
from page_tracker.web.api.query import readable_site
from page_tracker.web.client_gone import is_wanted
from page_tracker.web.token_guard import Guard

if TYPE_CHECKING:  # loaded with the first question
    from page_tracker.query.ask import Asking
    from page_tracker.query.report import Report

Ask = Callable[[stats_v1.Parameters, date], dict[str, Any]]


def stats_v1_api(
    asking: Callable[[], Asking],
    sites: Callable[[], Sites],
    live: Callable[[], Live],
    guard: Guard,
) -> Blueprint:
    """The routes that answer what v1 asks."""
    blueprint = Blueprint("stats_v1", __name__, url_prefix="/api/v1/stats")
    register_failures(blueprint)

    def report(question_of: Ask) -> Report:
        token, said, now = guard.token(), request.args, time.time()
        site = readable_site(sites(), token, said.get("site_id", ""))
        zone = ZoneInfo(zone_at(site, int(now * MICROSECONDS)))
        today = datetime.fromtimestamp(now, UTC).astimezone(zone).date()
        budget = asking().budget(is_wanted())
        body = question_of(said, today)
        return asking().report(asking().understand(body, site, now, budget), budget)

    @blueprint.get("/realtime/visitors")
    def current_visitors() -> Response:
        """How many visitors there were in the last five minutes."""
        token = guard.token()
        site = readable_site(sites(), token, request.args.get("site_id", ""))
        return jsonify(live().current(site.id, int(time.time())).visitors)

    @blueprint.get("/aggregate")
    def aggregate() -> Response:
        asked = report(stats_v1.aggregate_question)
        return jsonify(stats_v1.aggregate_answer(asked))

    @blueprint.get("/timeseries")
    def timeseries() -> Response:
        asked = report(stats_v1.timeseries_question)
        return jsonify(stats_v1.timeseries_answer(asked))

    @blueprint.get("/breakdown")
    def breakdown() -> Response:
        asked = report(stats_v1.breakdown_question)
        return jsonify(stats_v1.breakdown_answer(asked))

    return blueprint
