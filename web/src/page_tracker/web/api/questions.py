"""`/api/v2/query`, `/queries`, `/realtime`; `/api/v1/stats/realtime/visitors`.

The grammar and the answers are those of Plausible's Stats API v2. A token for other
sites is told what one is told where there is no such site.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from flask import Blueprint, Response, current_app, jsonify, request
from redis import RedisError
from werkzeug.exceptions import RequestEntityTooLarge

from page_tracker.errors import PageTrackerError
from page_tracker.query.answer import as_json
from page_tracker.query.parse import KEYS
from page_tracker.query.problem import (
    BusyError,
    LakeAwayError,
    NobodyWaitsError,
    QueryError,
    QuestionTooCostlyError,
)
from page_tracker.query.query import Query
from page_tracker.query.realtime import as_json as realtime_as_json
from page_tracker.query.realtime import realtime
from page_tracker.sites.site import Site
from page_tracker.sites.token import Scope, Token, allows
from page_tracker.store.counters import Live
from page_tracker.store.sites import Sites
from page_tracker.web.auth import Guard, Refused
from page_tracker.web.leaving import is_wanted

if TYPE_CHECKING:  # loaded with the first question
    from page_tracker.query.allowance import Allowance
    from page_tracker.query.ask import Asking
    from page_tracker.query.report import Report

LONGEST_BODY = 1_000_000  # bytes
MOST_QUERIES = 50
RETRY_SECONDS = "1"


def asking_api(
    asking: Callable[[], Asking],
    sites: Callable[[], Sites],
    live: Callable[[], Live],
    guard: Guard,
) -> Blueprint:
    """The routes that answer questions."""
    blueprint = Blueprint("asking", __name__, url_prefix="/api")
    _register_errors(blueprint)

    def understood(body: Any, token: Token, allowed: Allowance) -> Query:
        site = _site(sites(), token, _site_id(body))
        return asking().understand(body, site, time.time(), allowed)

    def told(report: Report) -> dict[str, Any]:
        imports = asking().not_imported(report.query) if report.query.imports else ""
        return as_json(report, imports)

    @blueprint.post("/v2/query")
    def query() -> Response:
        token, allowed = guard.token(), asking().allowance(is_wanted())
        asked = understood(_body(), token, allowed)
        return jsonify(told(asking().report(asked, allowed)))

    @blueprint.post("/v2/queries")
    def queries() -> Response:
        """Answers to a list of questions, in its order, of one state of the lake."""
        token, asked = guard.token(), _body()
        if not isinstance(asked, list) or not 1 <= len(asked) <= MOST_QUERIES:
            raise QueryError("#", f"must be a list of 1 to {MOST_QUERIES} queries")
        allowed = asking().allowance(is_wanted())
        found = []
        for index, each in enumerate(asked):
            try:
                found.append(understood(each, token, allowed))
            except QueryError as error:
                place = error.pointer.removeprefix("#")
                raise QueryError(f"#/{index}{place}", error.problem) from error
        return jsonify(
            answers=[told(each) for each in asking().reports(found, allowed)]
        )

    @blueprint.get("/v1/stats/realtime/visitors")
    def current_visitors() -> Response:
        """How many visitors there were in the last five minutes."""
        token = guard.token()
        site = _site(sites(), token, request.args.get("site_id", ""))
        return jsonify(live().current(site.id, int(time.time())).visitors)

    @blueprint.get("/v2/realtime")
    def now() -> Response:
        """Who is here, the last 30 minutes, what of today did not count."""
        token = guard.token()
        site = _site(sites(), token, request.args.get("site_id", ""))
        return jsonify(realtime_as_json(realtime(live(), site, int(time.time()))))

    return blueprint


def _site_id(body: Any) -> str:
    """Which site a question is about; raises QueryError."""
    if not isinstance(body, dict):
        raise QueryError("#", f"a query is an object with {', '.join(KEYS)}")
    site = body.get("site_id")
    if not isinstance(site, str):
        raise QueryError("#/site_id", "must be a site's domain")
    return site


def _site(sites: Sites, token: Token, domain: str) -> Site:
    """The site, where the token may read its counts; raises Refused."""
    site = sites.directory().resolve(domain)
    if site is None or not allows(token, Scope.STATS, site.id):
        raise Refused(
            401,
            "this token is not for the counts of that site, or there is no such site",
            WWW_Authenticate='Bearer error="insufficient_scope"',
        )
    return site


def _body() -> Any:
    """The request's JSON; raises Refused, QueryError."""
    request.max_content_length = LONGEST_BODY
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge as error:
        raise Refused(413, f"the body is larger than {LONGEST_BODY} bytes") from error
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise QueryError(
            "#", f"the body is no JSON that can be read: {error}"
        ) from error


def _register_errors(blueprint: Blueprint) -> None:
    @blueprint.errorhandler(Refused)
    def refused(error: Refused) -> tuple[Response, int, dict[str, str]]:
        return jsonify(error=str(error)), error.status, error.headers

    @blueprint.errorhandler(QueryError)
    def not_a_question(error: QueryError) -> tuple[Response, int]:
        return jsonify(error=str(error)), 400

    @blueprint.errorhandler(QuestionTooCostlyError)
    def too_costly(error: QuestionTooCostlyError) -> tuple[Response, int]:
        return jsonify(error=str(error)), 422

    @blueprint.errorhandler(BusyError)
    def busy(error: BusyError) -> tuple[Response, int, dict[str, str]]:
        return jsonify(error=str(error)), 503, {"Retry-After": RETRY_SECONDS}

    @blueprint.errorhandler(NobodyWaitsError)
    def nobody_waits(error: NobodyWaitsError) -> tuple[Response, int]:
        return jsonify(error=str(error)), 503

    @blueprint.errorhandler(LakeAwayError)
    def lake_away(error: LakeAwayError) -> tuple[Response, int, dict[str, str]]:
        current_app.logger.error("%s", error)
        why = "the lake cannot be read; try again in a moment"
        return jsonify(error=why), 503, {"Retry-After": RETRY_SECONDS}

    @blueprint.errorhandler(RedisError)
    def redis_failed(error: RedisError) -> tuple[Response, int, dict[str, str]]:
        current_app.logger.error("Redis failed: %s", error)
        why = "the store does not answer; try again in a moment"
        return jsonify(error=why), 503, {"Retry-After": RETRY_SECONDS}

    @blueprint.errorhandler(PageTrackerError)
    def failed(error: PageTrackerError) -> tuple[Response, int]:
        current_app.logger.error("%s", error)
        return jsonify(error=str(error)), 500
