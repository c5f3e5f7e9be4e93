"""`/account`: one's own password, second factor and sessions."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
from flask import Blueprint, Response, request
from markupsafe import Markup

from page_tracker.errors import AccountError
from page_tracker.people import recovery_codes, totp
from page_tracker.people.account import Account, with_password, with_second_factor
from page_tracker.people.passwords import SHORTEST, require_password
from page_tracker.web.pages.credentials import Wrong
from page_tracker.web.pages.people_services import PeopleServices
from page_tracker.web.pages.render import render, to, unkept

WRONG_PASSWORD = "This is not your present password."  # nosec B105
WRONG_CODE = (
    "This is not the app's present code: check that your clocks are right, and try the"
    " next one."
)


class Listed(NamedTuple):
    """A session as its person sees it; times in words (UTC)."""

    id: str
    client: str
    by_proxy: bool
    created: str
    seen: str


def register_own_account(blueprint: Blueprint, services: PeopleServices) -> None:
    """The routes; those that let others in ask for the password once more."""
    own = _Own(services)

    @blueprint.get("/account")
    def show_account() -> Response:
        return own.page()

    @blueprint.post("/account/password")
    def change_password() -> Response:
        try:
            require_own_password(services)
            return own.change_password()
        except AccountError as error:
            return own.page(f"{error}.")

    @blueprint.get("/account/second-factor")
    def show_second_factor() -> Response:
        return own.second_factor(totp.new_secret())

    @blueprint.post("/account/second-factor")
    def add_second_factor() -> Response:
        secret = request.form.get("secret", "")
        if not totp.is_secret(secret):
            return own.second_factor(totp.new_secret())
        try:
            require_own_password(services)
            return own.add_second_factor(secret)
        except AccountError as error:
            return own.second_factor(secret, error.problem)

    @blueprint.post("/account/second-factor/remove")
    def remove_second_factor() -> Response:
        try:
            require_own_password(services)
        except AccountError as error:
            return own.page(error.problem)
        return own.put_second_factor("", [], to("/account"))

    @blueprint.post("/account/recovery-codes")
    def renew_recovery_codes() -> Response:
        try:
            require_own_password(services)
            return own.renew_recovery_codes()
        except AccountError as error:
            return own.page(error.problem)

    @blueprint.post("/account/sessions/end")
    def end_sessions() -> Response:
        own.end_sessions(request.form.get("id", ""))
        return to("/account")


def require_own_password(services: PeopleServices) -> None:
    """Raise AccountError unless the form has the person's password."""
    name = services.guard.require().account.name
    try:
        services.checking.password(name, request.form.get("password", ""))
    except Wrong as error:
        raise AccountError(WRONG_PASSWORD, "write that") from error


class _Own:
    """What people do with their own accounts."""

    def __init__(self, services: PeopleServices) -> None:
        self._services = services

    def page(self, error: str = "") -> Response:
        known = self._services.guard.require().account
        # As it is now: another process may have used one of its codes a moment ago.
        account = self._services.accounts().get(known.id) or known
        return render(
            "account.html",
            400 if error else 200,
            error=error,
            account=account,
            sessions=self._sessions(account.id),
            shortest=SHORTEST,
        )

    def second_factor(self, secret: str, error: str = "") -> Response:
        """The secret for an app to scan, and the form that proves the app has it."""
        # pylint: disable-next=import-outside-toplevel # who sets an app up loads it
        import segno

        account = self._services.guard.require().account
        server = self._services.guard.reached.browser_is_at().partition("://")[2]
        code = segno.make(totp.address_of(secret, account.name, server), micro=False)
        picture = code.svg_inline(scale=5, border=4, title="QR code", omitsize=False)
        return unkept(
            render(
                "second_factor.html",
                400 if error else 200,
                error=error,
                secret=secret,
                picture=Markup(picture),  # nosec B704 # segno escapes its title
            )
        )

    def change_password(self) -> Response:
        account = self._services.guard.require().account
        wanted = require_password(request.form.get("new", ""), account.name)
        hashed = self._services.checking.hashing.hash(wanted)
        return self._change(lambda each: with_password(each, hashed), to("/account"))

    def add_second_factor(self, secret: str) -> Response:
        """Accept a secret once an app has proved to have it."""
        account = self._services.guard.require().account
        shown = msgspec.structs.replace(account, totp=secret, recovery=())
        try:
            code = request.form.get("code", "")
            self._services.checking.code(shown, code, time.time())
        except Wrong as error:
            raise AccountError(WRONG_CODE, "write the next one") from error
        codes = recovery_codes.new_codes()
        return self.put_second_factor(secret, codes, _codes_page(codes))

    def renew_recovery_codes(self) -> Response:
        account = self._services.guard.require().account
        if not account.totp:
            raise AccountError("There is no second factor.", "add one")
        codes = recovery_codes.new_codes()
        return self.put_second_factor(account.totp, codes, _codes_page(codes))

    def put_second_factor(
        self, secret: str, codes: list[str], onwards: Response
    ) -> Response:
        hashes = [recovery_codes.hash_of(code) for code in codes]
        return self._change(
            lambda each: with_second_factor(each, secret, hashes), onwards
        )

    def end_sessions(self, session_id: str) -> None:
        """End one of the person's sessions, or (`others`) all but this one."""
        person, sessions = self._services.guard.require(), self._services.sessions()
        known = sessions.of(person.account.id)
        if session_id == "others":
            sessions.end(person.account.id, [i for i in known if i != person.session])
        else:
            sessions.end(person.account.id, [session_id])

    def _change(
        self, decide: Callable[[Account], Account], onwards: Response
    ) -> Response:
        """Change the account: all of its sessions end, and this one is replaced."""
        person = self._services.guard.require()
        account = self._services.accounts().change(person.account.id, decide)
        self._services.sessions().end_all(account.id)
        return self._services.guard.sign_in(onwards, account)

    def _sessions(self, account_id: str) -> list[Listed]:
        found = self._services.sessions().of(account_id)
        return [
            Listed(
                *(i, each.client, each.by_proxy),
                *(_moment(each.created), _moment(each.seen)),
            )
            for i, each in found.items()
        ]


def _codes_page(codes: list[str]) -> Response:
    return unkept(render("recovery_codes.html", codes=codes))


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
