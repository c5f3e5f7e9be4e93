"""How the HTTP interface answers failures: a status, and JSON with the reason.

`{"error": what was wrong and what to do}`, in one table for all of its routes.
"""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify, request
from redis import RedisError
from werkzeug.exceptions import RequestEntityTooLarge

from page_tracker.errors import (
    AccessError,
    AccountError,
    ImportsBusyError,
    LakeError,
    PageTrackerError,
    SiteError,
    SiteExistsError,
    UnknownAccountError,
    UnknownAnnotationError,
    UnknownGoalError,
    UnknownSiteError,
    UnknownTokenError,
)
from page_tracker.query.problem import (
    BusyError,
    LakeAwayError,
    NobodyWaitsError,
    QueryError,
    QuestionTooCostlyError,
)
from page_tracker.web.token_guard import Refused

RETRY_SECONDS = "1"
# The first that matches applies.
STATUSES: tuple[tuple[type[PageTrackerError], int], ...] = (
    (SiteExistsError, 409),
    (ImportsBusyError, 409),
    (SiteError, 400),
    (AccessError, 400),
    (AccountError, 400),
    (UnknownSiteError, 404),
    (UnknownTokenError, 404),
    (UnknownAccountError, 404),
    (UnknownGoalError, 404),
    (UnknownAnnotationError, 404),
    (QuestionTooCostlyError, 422),
    (BusyError, 503),
    (NobodyWaitsError, 503),
    (LakeError, 503),
    (PageTrackerError, 500),
)
# Normal for a busy server, and not a fault: not logged.
EXPECTED = (BusyError, NobodyWaitsError)

Failure = tuple[Response, int, dict[str, str]]


def register_failures(blueprint: Blueprint) -> None:
    """Answer every failure of a blueprint's routes with JSON."""
    blueprint.register_error_handler(Refused, _refused)
    blueprint.register_error_handler(QueryError, _invalid_query)
    blueprint.register_error_handler(LakeAwayError, _lake_away)
    blueprint.register_error_handler(PageTrackerError, _failed)
    blueprint.register_error_handler(RedisError, _redis_failed)


def sent_body(longest: int) -> bytes:
    """The request's body, of at most this many bytes. Raises Refused."""
    request.max_content_length = longest
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge as error:
        raise Refused(413, f"the body is larger than {longest} bytes") from error


def _refused(error: Refused) -> Failure:
    return jsonify(error=str(error)), error.status, error.headers


def _invalid_query(error: QueryError) -> tuple[Response, int]:
    return jsonify(error=str(error)), 400


def _failed(error: PageTrackerError) -> Failure:
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    if status >= 500 and not isinstance(error, EXPECTED):
        current_app.logger.error("%s", error)
    again = {"Retry-After": RETRY_SECONDS} if status == 503 else {}
    return jsonify(error=str(error)), status, again


def _lake_away(error: LakeAwayError) -> Failure:
    current_app.logger.error("%s", error)
    return _again("the lake cannot be read; try again in a moment")


def _redis_failed(error: RedisError) -> Failure:
    current_app.logger.error("Redis failed: %s", error)
    return _again("the store does not answer; try again in a moment")


def _again(why: str) -> Failure:
    return jsonify(error=why), 503, {"Retry-After": RETRY_SECONDS}
