"""`/sign-in`, `/sign-in/code`, `/sign-out`: how people sign in and out."""

from __future__ import annotations

import time

from flask import Blueprint, Response, request

from page_tracker.people.one_time import Link, Purpose
from page_tracker.web.pages.after_sign_in import safe_target
from page_tracker.web.pages.credentials import Wrong
from page_tracker.web.pages.guard import open_to_anybody
from page_tracker.web.pages.people_services import PeopleServices
from page_tracker.web.pages.render import render, to

WRONG = "Name or password is wrong."
WRONG_CODE = "This code is wrong, or was used already: wait for the next one."
TOO_LATE = "That took too long: sign in again."


def register_sign_in(blueprint: Blueprint, services: PeopleServices) -> None:
    """The routes."""
    guard, checking = services.guard, services.checking

    @blueprint.get("/sign-in")
    @open_to_anybody
    def show_sign_in() -> Response:
        wanted = safe_target(request.args.get("next", ""))
        if guard.person() or guard.proxy.name() is not None:
            return to(wanted)  # it also explains if a proxy's person has no account
        return _form(wanted, is_first=services.accounts().are_none())

    @blueprint.post("/sign-in")
    @open_to_anybody
    def sign_in() -> Response:
        wanted, name = safe_target(request.form.get("next", "")), request.form.get(
            "name", ""
        )
        try:
            account = checking.password(name, request.form.get("password", ""))
        except Wrong:
            return _form(wanted, name, WRONG)
        if account.totp:
            pending = Link(purpose=Purpose.CODE, account=account.id)
            return _code_form(services.links().make(pending), wanted)
        return guard.sign_in(to(wanted), account)

    @blueprint.post("/sign-in/code")
    @open_to_anybody
    def show_code() -> Response:
        """Check the second factor's code of a person who has just given a password."""
        wanted = safe_target(request.form.get("next", ""))
        pending = request.form.get("pending", "")
        link = services.links().find(pending)
        account = services.accounts().get(link.account) if link else None
        if link is None or link.purpose is not Purpose.CODE or account is None:
            return _form(wanted, error=TOO_LATE)
        try:
            account = checking.code(account, request.form.get("code", ""), time.time())
        except Wrong:
            return _code_form(pending, wanted, WRONG_CODE)
        services.links().use(pending)
        return guard.sign_in(to(wanted), account)

    @blueprint.post("/sign-out")
    def sign_out() -> Response:
        name = guard.proxy.name()
        if name is not None:
            guard.end_session()
            return guard.sign_out(render("signed_out.html", name=name))
        return guard.sign_out(to("/sign-in"))


def _form(
    wanted: str, name: str = "", error: str = "", is_first: bool = False
) -> Response:
    return render(
        "sign_in.html",
        403 if error else 200,
        wanted=wanted,
        name=name,
        error=error,
        is_first=is_first,
    )


def _code_form(pending: str, wanted: str, error: str = "") -> Response:
    return render(
        "code.html", 403 if error else 200, pending=pending, wanted=wanted, error=error
    )
