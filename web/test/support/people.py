"""People of a test, who sign in to the application in the test's own process."""

from __future__ import annotations

import os
import re
import time
from functools import cache
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from page_tracker import app as app_module
from page_tracker.app import create_app
from page_tracker.people.account import Account, with_password, with_role
from page_tracker.people.one_time import Link, Purpose
from page_tracker.people.roles import Role
from page_tracker.store.links import Links
from page_tracker.store.sessions import Sessions
from page_tracker.web.pages.password_hashing import Hashing

PASSWORD = "quiet river under old bridges"  # nosec B105 # of the tests alone
TOKEN = re.compile(r'name="token" value="([0-9a-f]{64})"')
_HASHED = Hashing().hash(PASSWORD)


def account_of(
    name: str, role: Role | None = None, sites: list[str] | None = None
) -> Account:
    """An account with PASSWORD, with a role for sites, or (None) for all."""

    def decide(account: Account) -> Account:
        return with_role(with_password(account, _HASHED), role, sites)

    return app_module.accounts().add(name, decide)


def link_of(purpose: Purpose, **what: Any) -> str:
    """The path of a one-time link."""
    return f"/welcome/{Links(app_module.redis()).make(Link(purpose=purpose, **what))}"


@cache
def _application(*_settings: tuple[str, str]) -> Flask:
    """The application with these settings, made once: a visitor is cheap then."""
    return create_app()


class Visitor:
    """A browser of its own, which keeps its cookies and fills in our forms."""

    def __init__(self, **headers: str) -> None:
        settings = {
            name: text for name, text in os.environ.items() if "TRACKER" in name
        }
        self.client: FlaskClient = _application(*sorted(settings.items())).test_client()
        self.headers = headers

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, headers=self.headers, **options)

    def post(self, path: str, /, **fields: str) -> TestResponse:
        """Send a form with the session's token, where there is a session."""
        return self.client.post(
            path, data={"token": self.token(), **fields}, headers=self.headers
        )

    def send(self, path: str, **fields: str) -> TestResponse:
        """Send a form with these fields alone."""
        return self.client.post(path, data=fields, headers=self.headers)

    def move_to(self, host: str) -> None:
        """Ask the same server by another name from now on, with the same cookie."""
        self.headers = {**self.headers, "Host": host}
        name = host.partition(":")[0]
        self.client.set_cookie("page-tracker", self.cookie(), domain=name)

    def token(self) -> str:
        found = TOKEN.search(self.get("/account").text)
        return found[1] if found else ""

    def sign_in(self, name: str, password: str = PASSWORD, **more: str) -> TestResponse:
        return self.send("/sign-in", name=name, password=password, **more)

    def is_signed_in(self) -> bool:
        return self.get("/account").status_code == 200

    def cookie(self) -> str:
        """What the browser has of the session; empty where it has none."""
        for name in ("__Host-page-tracker", "page-tracker"):
            if found := self.client.get_cookie(name):
                return found.value
        return ""


def signed_in(
    name: str, role: Role | None = None, sites: list[str] | None = None
) -> Visitor:
    """A person of a new account, whose session is as `/sign-in` begins it."""
    account = account_of(name, role, sites)
    sessions = Sessions(app_module.redis())
    visitor = Visitor()
    secret = sessions.begin(account, "a test", int(time.time()))
    visitor.client.set_cookie("page-tracker", secret)
    return visitor
