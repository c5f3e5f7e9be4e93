"""What can go wrong with a page: each has a page that explains it and what to do."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, current_app

from page_tracker.errors import PageTrackerError
from page_tracker.query.problem import (
    AnswererGoneError,
    BusyError,
    LakeAwayError,
    NobodyWaitsError,
    QueryError,
    QuestionTooCostlyError,
)
from page_tracker.web.pages.render import problem
from page_tracker.web.pools import Refusal

AGAIN = {"Retry-After": "1"}


class NoSuchPage(Exception):
    """There is no page here; with what is missing, and what to do."""

    def __init__(self, title: str, remedy: str) -> None:
        super().__init__(title)
        self.title = title
        self.remedy = remedy


def crowded_page(app: Flask) -> Refusal:
    """The page for requests that are refused before a thread is free for them."""
    with app.test_request_context("/"):
        page = problem(
            503,
            "Too much is asked at once",
            "More pages are asked for at this moment, by you or by others, than can be"
            " answered.",
            "Load it again in a moment.",
        )
    return Refusal(tuple(page.headers), page.get_data())


def register_problems(blueprint: Blueprint) -> None:
    """Answer every failure with a page."""

    @blueprint.errorhandler(NoSuchPage)
    def no_such_page(error: NoSuchPage) -> Response:
        return problem(404, error.title, error.remedy)

    @blueprint.errorhandler(QueryError)
    def not_a_question(error: QueryError) -> Response:
        return problem(
            400,
            "This cannot be asked",
            f"{error.problem}.",
            "Go back, or take filters out of the address.",
        )

    @blueprint.errorhandler(QuestionTooCostlyError)
    def too_costly(error: QuestionTooCostlyError) -> Response:
        return problem(
            422,
            "That was too much at once",
            f"{error.problem}.",
            f"You can {error.remedy}.",
        )

    @blueprint.errorhandler(BusyError)
    @blueprint.errorhandler(NobodyWaitsError)
    def busy(error: PageTrackerError) -> Response:
        page = problem(
            503, "Others are asking just now", f"{error.problem}.", "Load it again."
        )
        page.headers.update(AGAIN)
        return page

    @blueprint.errorhandler(AnswererGoneError)
    def not_answered(error: AnswererGoneError) -> Response:
        page = problem(
            503,
            "This was not answered",
            "The process that was answering has ended, perhaps for want of memory. Hits"
            " are taken all the same, and nothing is lost.",
            f"You can {error.remedy}.",
        )
        page.headers.update(AGAIN)
        return page

    @blueprint.errorhandler(LakeAwayError)
    def lake_away(error: LakeAwayError) -> Response:
        current_app.logger.error("%s", error)
        page = problem(
            503,
            "The lake cannot be read",
            "Hits are taken all the same, and nothing is lost.",
            "See that the lake's folder is there and can be read: page-tracker doctor"
            " says what is wrong. Then load this page again.",
        )
        page.headers.update(AGAIN)
        return page
