"""Requests that are refused, and their answers: each a page that tells what to do."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, redirect, request
from flask.typing import ResponseReturnValue
from redis import RedisError
from werkzeug.exceptions import RequestEntityTooLarge

from page_tracker.errors import PageTrackerError
from page_tracker.plural import counted
from page_tracker.web.pages.credentials import TooManyGuesses
from page_tracker.web.pages.password_hashing import TooManyAtOnce
from page_tracker.web.pages.render import problem

LONGEST_FORM = 64 * 1024  # bytes
# For a form with a log: a script sends it in pieces, a browser alone in one.
LONGEST_PIECE = 4 * 1024 * 1024
TAKES_LOGS = "/import/log"
SAFE = ("GET", "HEAD", "OPTIONS")


class SignInFirst(Exception):
    """Nobody has signed in."""


class NotAllowed(Exception):
    """The person's role is not enough: why, and what to do."""

    def __init__(self, status: int, *sentences: str) -> None:
        super().__init__(*sentences)
        self.status = status
        self.sentences = sentences


class FormRefused(Exception):
    """A form that was not sent by one of our pages, or not in this session."""


def longest_form(path: str) -> int:
    """How many bytes a form sent to a page may have."""
    return LONGEST_PIECE if path.endswith(TAKES_LOGS) else LONGEST_FORM


def no_such_site() -> NotAllowed:
    """The answer if there is no such site, and if it is not for this person."""
    return NotAllowed(
        404,
        "There is no such site, or you have no role for it.",
        "The page of all sites has yours; an owner can invite you to others.",
    )


def nobody_here(name: str) -> NotAllowed:
    """The answer to somebody whom a proxy vouches for, but who has no account."""
    return NotAllowed(
        403,
        (
            f"The proxy that you come through says that you are {name[:100]!r}, and no"
            " account has exactly this name."
            if name
            else "What the proxy that you come through says of you is no one name."
        ),
        "Ask whoever runs this server to add it: page-tracker account add NAME --role"
        " viewer --all-sites. Or open the link that invites you.",
    )


def register_refusals(blueprint: Blueprint) -> None:
    """Answer all of these, and failures of a store or a form."""
    for failure, answer in (
        (SignInFirst, _to_sign_in),
        (NotAllowed, _not_allowed),
        (FormRefused, _form_refused),
        (RequestEntityTooLarge, _too_large),
        (TooManyGuesses, _too_many_guesses),
        (TooManyAtOnce, _too_many_at_once),
        (RedisError, _store_is_away),
        (PageTrackerError, _failed),
    ):
        blueprint.register_error_handler(failure, answer)


def _to_sign_in(_error: SignInFirst) -> ResponseReturnValue:
    """Sign in, then come back here; a form has to be filled in again."""
    if request.method not in SAFE:
        return redirect("/sign-in", 303)
    here = request.full_path if request.query_string else request.path
    return redirect(f"/sign-in?{urlencode({'next': here})}", 303)


def _not_allowed(error: NotAllowed) -> Response:
    titles = {400: "No such host", 404: "No such page"}
    return problem(
        error.status, titles.get(error.status, "Not yours"), *error.sentences
    )


def _form_refused(_error: FormRefused) -> Response:
    return problem(
        403,
        "This form cannot be taken",
        "It was not sent by a page of this server, or you have signed in again since.",
        "Go back, load the page again, and send it once more. Behind a proxy, let that"
        " pass on the Host that browsers send, or set PAGE_TRACKER_URL to the address"
        " that they use.",
    )


def _too_large(_error: RequestEntityTooLarge) -> Response:
    if request.path.endswith(TAKES_LOGS):
        return problem(
            413,
            "Too much at once",
            f"Without JavaScript a log has at most {LONGEST_PIECE >> 20} MiB here.",
            "Turn JavaScript on, which sends it in pieces, send it packed, or import it"
            " by page-tracker import.",
        )
    return problem(
        413,
        "Too much",
        f"A form has at most {LONGEST_FORM // 1024} KiB.",
        "Go back, and write less.",
    )


def _store_is_away(error: RedisError) -> Response:
    current_app.logger.error("Redis failed: %s", error)
    return _later(
        503,
        1,
        "The store does not answer",
        "Redis, which knows who you are and keeps what is changed, is away. What was"
        " stored stays; pages that were read within the last hour can still be read.",
        "Try again in a moment; page-tracker doctor says what is wrong.",
    )


def _too_many_guesses(error: TooManyGuesses) -> Response:
    return _later(
        429,
        error.wait,
        "Too many guesses",
        "Too many wrong passwords or codes came from your address, or for this name.",
        f"Try again in {counted(-(-error.wait // 60), 'minute')}, or have a link made"
        " by page-tracker account reset NAME.",
    )


def _too_many_at_once(_error: TooManyAtOnce) -> Response:
    return _later(
        503, 1, "Too many at once", "Others are just signing in.", "Send it once more."
    )


def _later(status: int, seconds: int, title: str, *sentences: str) -> Response:
    page = problem(status, title, *sentences)
    page.headers["Retry-After"] = str(seconds)
    return page


def _failed(error: PageTrackerError) -> Response:
    """Failures that no page has shown beside its own form."""
    status = 400 if error.exit_code == 2 else 409
    return problem(
        status, "That cannot be done", _sentence(error.problem), _sentence(error.remedy)
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
