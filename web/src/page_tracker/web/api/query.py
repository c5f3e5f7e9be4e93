"""`/api/v2/query`, `/queries`, `/experiment`, `/realtime`.

The grammar and the answers are those of Plausible's Stats API v2. With a token for
other sites, the answer is the same as if there were no such site.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from flask import Blueprint, Response, jsonify, request

from page_tracker.nesting import shallow
from page_tracker.query.answer import as_json
from page_tracker.query.experiment_report import experiment_as_json
from page_tracker.query.live_figures import as_json as live_as_json
from page_tracker.query.live_figures import live_figures
from page_tracker.query.parse import KEYS
from page_tracker.query.problem import QueryError
from page_tracker.query.query import Query
from page_tracker.sites.site import Site
from page_tracker.sites.token import Scope, Token, allows
from page_tracker.store.counters import Live
from page_tracker.store.sites import Sites
from page_tracker.web.api.failures import register_failures, sent_body
from page_tracker.web.client_gone import is_wanted
from page_tracker.web.token_guard import Guard, Refused

if TYPE_CHECKING:  # loaded with the first question
    from page_tracker.query.ask import Asking
    from page_tracker.query.report import Report
    from page_tracker.query.time_budget import TimeBudget

LONGEST_BODY = 1_000_000  # bytes
MOST_QUERIES = 50


def asking_api(
    asking: Callable[[], Asking],
    sites: Callable[[], Sites],
    live: Callable[[], Live],
    guard: Guard,
) -> Blueprint:
    """The routes that answer questions."""
    blueprint = Blueprint("asking", __name__, url_prefix="/api")
    register_failures(blueprint)

    def understood(body: Any, token: Token, budget: TimeBudget) -> Query:
        site = readable_site(sites(), token, _site_id(body))
        return asking().understand(body, site, time.time(), budget)

    def as_answer(report: Report) -> dict[str, Any]:
        imports = asking().not_imported(report.query) if report.query.imports else ""
        return as_json(report, imports)

    @blueprint.post("/v2/query")
    def query() -> Response:
        token, budget = guard.token(), asking().budget(is_wanted())
        asked = understood(_body(), token, budget)
        return jsonify(as_answer(asking().report(asked, budget)))

    @blueprint.post("/v2/queries")
    def queries() -> Response:
        """Answers to a list of questions, in its order, from one state of the lake."""
        token, asked = guard.token(), _body()
        if not isinstance(asked, list) or not 1 <= len(asked) <= MOST_QUERIES:
            raise QueryError("#", f"must be a list of 1 to {MOST_QUERIES} queries")
        budget = asking().budget(is_wanted())
        found = []
        for index, each in enumerate(asked):
            try:
                found.append(understood(each, token, budget))
            except QueryError as error:
                place = error.pointer.removeprefix("#")
                raise QueryError(f"#/{index}{place}", error.problem) from error
        return jsonify(
            answers=[as_answer(each) for each in asking().reports(found, budget)]
        )

    @blueprint.post("/v2/experiment")
    def experiment() -> Response:
        """What came of an experiment."""
        token, body = guard.token(), _body()
        site = readable_site(sites(), token, _site_id(body))
        budget = asking().budget(is_wanted())
        asked = asking().understand_experiment(body, site, time.time(), budget)
        return jsonify(experiment_as_json(asking().experiment(asked, budget)))

    @blueprint.get("/v2/realtime")
    def now() -> Response:
        """Who is here, the last 30 minutes, and what did not count today."""
        token = guard.token()
        site = readable_site(sites(), token, request.args.get("site_id", ""))
        return jsonify(live_as_json(live_figures(live(), site, int(time.time()))))

    return blueprint


def _site_id(body: Any) -> str:
    """The site that a question is about. Raises QueryError."""
    if not isinstance(body, dict):
        raise QueryError("#", f"a query is an object with {', '.join(KEYS)}")
    site = body.get("site_id")
    if not isinstance(site, str):
        raise QueryError("#/site_id", "must be a site's domain")
    return site


def readable_site(sites: Sites, token: Token, domain: str) -> Site:
    """The site, if the token may read its counts. Raises Refused."""
    site = sites.directory().resolve(domain)
    if site is None or not allows(token, Scope.STATS, site.id):
        raise Refused(
            401,
            "this token is not for the counts of that site, or there is no such site",
            WWW_Authenticate='Bearer error="insufficient_scope"',
        )
    return site


def _body() -> Any:
    """The request's JSON. Raises Refused, QueryError."""
    try:
        return msgspec.json.decode(shallow(sent_body(LONGEST_BODY)))
    except ValueError as error:
        raise QueryError("#", f"the body is not valid JSON: {error}") from error
