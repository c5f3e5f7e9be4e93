"""Who opens a page, and whether they may: sessions, roles, and forms of our own.

    a host of ours → a form of ours (origin, token) → a person → their role for the site
                                    (whom a proxy vouches for, else of a session)

The pages of a protected blueprint are closed: they need a person, unless their view
is marked by `open_to_anybody`, or by `open_to_guests` for those who have a shared link;
every change needs a form sent by one of our own pages, in the same session. Views check
the role that they need by `admit`.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from flask import Blueprint, Response, current_app, g, request
from redis import RedisError

from page_tracker.people.account import Account, may, role_at
from page_tracker.people.one_time import hash_of
from page_tracker.people.roles import NEEDED, Deed, Role
from page_tracker.people.session import IDLE, Session, form_token, is_valid
from page_tracker.sites.shared_link import LONGEST_SECRET, Links, opens
from page_tracker.store.accounts import Accounts
from page_tracker.store.sessions import Sessions
from page_tracker.web.pages.proxy_sign_in import ProxySignIn
from page_tracker.web.pages.refusals import (
    SAFE,
    FormRefused,
    NotAllowed,
    SignInFirst,
    longest_form,
    no_such_site,
    nobody_here,
    register_refusals,
)
from page_tracker.web.pages.server_addresses import ServerAddresses
from page_tracker.web.recent_sessions import RecentSessions

MOST_FIELDS = 200
# These are not pages, and have no forms.
NO_FORMS = ("/static/", "/js/", "/counter/", "/hit/", "/livez", "/readyz")
COOKIE = "page-tracker"
# Over https: no other host and no http page can set a cookie of this name.
HOST_COOKIE = f"__Host-{COOKIE}"
# The secrets of the shared links that a browser has opened, the last one first.
SHARED = f"{COOKIE}-shared"
HOST_SHARED = f"__Host-{SHARED}"
SEPARATOR, MOST_SHARED = ".", 8

View = TypeVar("View", bound=Callable[..., Any])


class Person(msgspec.Struct, frozen=True):
    """Who has signed in; `session` is their session's id."""

    account: Account
    form_token: str
    session: str
    # Whether the session is valid only as long as a proxy vouches for the person.
    by_proxy: bool = False
    # Nobody has signed in: a shared link shows them one site's page.
    is_guest: bool = False
    # Redis is away, so whether the session is still valid is unknown: they may read.
    is_read_only: bool = False

    @property
    def name(self) -> str:
        return self.account.name

    def role(self, site: str | None) -> Role | None:
        """Their role for a site, or (None) for all."""
        return role_at(self.account, site)

    def may(self, role: Role, site: str | None) -> bool:
        return may(self.account, role, site)

    def can(self, deed: Deed, site: str) -> bool:
        """Whether they may do this with a site."""
        return self.may(NEEDED[deed], site)


def open_to_guests(view: View) -> View:
    """Mark a view of a site that whoever has a shared link of the site may see.

    The view admits them: by `PageGuard.admit`.
    """
    view.is_shared = True  # type: ignore[attr-defined]
    return view


def open_to_anybody(view: View) -> View:
    """Mark a view that needs no person; its forms need no token, but our origin."""
    view.is_open = True  # type: ignore[attr-defined]
    return view


class PageGuard(msgspec.Struct, frozen=True):
    """Admits people."""

    accounts: Callable[[], Accounts]
    sessions: Callable[[], Sessions]
    reached: ServerAddresses
    proxy: ProxySignIn
    recent: RecentSessions
    # The shared links of a site, by its id.
    links_of: Callable[[str], Links]
    # The name of the browser that has sent the request, like `Firefox on Linux`.
    browser: Callable[[], str]

    def protect(self, blueprint: Blueprint) -> None:
        """Close a blueprint's pages; who may not see them is answered in words."""
        blueprint.before_request(self._check)
        blueprint.context_processor(_shown_to)
        register_refusals(blueprint)
        blueprint.after_request(self._hand_over)

    def person(self) -> Person | None:
        """Who has signed in; None if nobody has. Raises RedisError."""
        if "person" not in g:
            g.person = self._found()
        found: Person | None = g.person
        return found

    def require(self) -> Person:
        """Who has signed in. Raises SignInFirst, NotAllowed, RedisError."""
        person = self.person()
        if person:
            return person
        name = self.proxy.name()
        raise SignInFirst if name is None else nobody_here(name)

    def admit(self, role: Role, site: str | None) -> Person:
        """The person, if their role for a site, or (None) for all, is this or higher.

        Without any role for a site, a person gets the answer for an unknown site.
        Raises SignInFirst, NotAllowed, RedisError.
        """
        person = self.person()
        if person is None or not person.may(role, site):
            person = self._guest(site) or self.require()
        if person.may(role, site):
            return person
        has = person.role(site)
        if site is not None and has is None:
            raise no_such_site()
        where = site or "all sites"
        raise NotAllowed(
            403,
            f"This needs the role {role} for {where}; you are"
            f" {f'its {has}' if has else 'not among those who have it'}.",
            f"Ask an owner of {where} for it.",
        )

    def let_guest_in(self, response: Response, secret: str) -> Response:
        """Keep a shared link's secret in the browser, beside those that it has."""
        kept = [each for each in self._shared() if each != secret]
        is_https = self.reached.is_https()
        response.set_cookie(
            HOST_SHARED if is_https else SHARED,
            SEPARATOR.join([secret, *kept][:MOST_SHARED]),
            secure=is_https,
            httponly=True,
            samesite="Lax",
        )
        return response

    def _guest(self, site: str | None) -> Person | None:
        """Whoever has a shared link of a site: a viewer of this one, with no name."""
        if site is None or not _is_open_to_guests():
            return None
        if not opens(self.links_of(site), self._shared()):
            return None
        account = Account(id="", name="", roles={site: Role.VIEWER})
        g.guest = Person(account, "", "", is_guest=True)
        guest: Person = g.guest
        return guest

    def _shared(self) -> list[str]:
        """The secrets of shared links that the browser has kept."""
        name = HOST_SHARED if self.reached.is_https() else SHARED
        secrets = request.cookies.get(name, "").split(SEPARATOR)
        found = [each for each in secrets if 0 < len(each) <= LONGEST_SECRET]
        return found[:MOST_SHARED]

    def sign_in(self, response: Response, account: Account) -> Response:
        """Begin a session, replacing the one that the browser has."""
        self.end_session()
        self._begin(account)
        return response

    def sign_out(self, response: Response) -> Response:
        """End the browser's session, and clear what it may have stored of our pages."""
        self.end_session()
        for name, secure in ((HOST_COOKIE, True), (COOKIE, False)):
            if name in request.cookies:
                response.delete_cookie(
                    name, secure=secure, httponly=True, samesite="Lax"
                )
        response.headers["Clear-Site-Data"] = '"cache"'
        return response

    def end_session(self) -> None:
        if secret := self._secret():
            self.sessions().end_of(secret)
        g.begun, g.person = "", None

    def _check(self) -> None:
        if not self.reached.is_host():
            raise NotAllowed(
                400,
                "The Host that this request names is not a name of a host.",
                "Open the page by this server's own address.",
            )
        view = current_app.view_functions[request.endpoint or ""]
        is_open = getattr(view, "is_open", False)
        if request.method not in SAFE:
            longest = longest_form(request.path)
            request.max_content_length = request.max_form_memory_size = longest
            request.max_form_parts = MOST_FIELDS
            if not self._is_sent_by_us():
                raise FormRefused
        if is_open:
            return
        if _is_open_to_guests() and self._shared():
            return  # the view admits whoever it is
        person = self.require()
        if request.method not in SAFE and not hmac.compare_digest(
            request.form.get("token", "").encode(), person.form_token.encode()
        ):
            raise FormRefused

    def _is_sent_by_us(self) -> bool:
        """Whether a page of ours sent this form; programs other than browsers may too.

        Browsers tell us by Sec-Fetch-Site if they trust the connection, and by Origin
        with every POST; no page can set either.
        """
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site in ("same-origin", "none")
        origin = request.headers.get("Origin")
        return origin is None or self.reached.is_ours(origin)

    def _found(self) -> Person | None:
        """The person a proxy vouches for; else, or if it is theirs, the session's.

        A session of another person ends, and so does a proxy's that vouches no more.
        """
        person, name = self._of_session(), self.proxy.name()
        if person and (not person.by_proxy if name is None else person.name == name):
            return person
        if person:
            self.end_session()
        account = self.proxy.account(name) if name else None
        return self._begin(account) if account else None

    def _begin(self, account: Account) -> Person:
        """Begin a session; its cookie goes to the browser with the answer."""
        by_proxy = self.proxy.name() == account.name
        g.begun = self.sessions().begin(
            account, self.browser(), int(time.time()), by_proxy
        )
        return Person(account, form_token(g.begun), hash_of(g.begun), by_proxy)

    def _hand_over(self, response: Response) -> Response:
        if secret := g.get("begun"):
            is_https = self.reached.is_https()
            response.set_cookie(
                HOST_COOKIE if is_https else COOKIE,
                secret,
                max_age=IDLE,
                secure=is_https,
                httponly=True,
                samesite="Lax",
            )
        return response

    def _of_session(self) -> Person | None:
        secret = self._secret()
        if not secret:
            return None
        now = int(time.time())
        session, is_read_only = self._session(secret, now)
        if session is None:
            return None
        account = self._account_of(session, now, is_read_only)
        if not (account and is_valid(session, account, now)):
            return None
        return Person(
            account,
            form_token(secret),
            hash_of(secret),
            by_proxy=session.by_proxy,
            is_read_only=is_read_only,
        )

    def _account_of(
        self, session: Session, now: int, is_read_only: bool
    ) -> Account | None:
        if is_read_only:  # what this process knows may be older
            return self.accounts().mirrored(session.account)
        account = self.accounts().known(session.account)
        if account and is_valid(session, account, now):
            return account
        # Another process may have created or changed it within the last second.
        return self.accounts().known_now(session.account)

    def _session(self, secret: str, now: int) -> tuple[Session | None, bool]:
        """A browser's session, and whether it comes only from this process's memory.

        The memory is used if Redis is away and nothing is to change. Raises RedisError.
        """
        session_id = hash_of(secret)
        try:
            session = self.sessions().find(secret, now)
        except RedisError:
            session = self.recent.find(session_id)
            if session is None or request.method not in SAFE:
                raise
            return session, True
        self.recent.note(session_id, session)
        return session, False

    def _secret(self) -> str:
        """The session's secret that the browser sent; empty if it has none.

        A subdomain, or a page by http, can set a cookie of the plain name for us.
        """
        if begun := g.get("begun", ""):
            return str(begun)
        cookies = request.cookies
        if self.reached.is_https():
            return cookies.get(HOST_COOKIE, "")
        return cookies.get(HOST_COOKIE) or cookies.get(COOKIE, "")


def _is_open_to_guests() -> bool:
    """Whether the request is for a view that is marked by `open_to_guests`."""
    view = current_app.view_functions[request.endpoint or ""]
    return getattr(view, "is_shared", False) and request.method in SAFE


def _shown_to() -> dict[str, Any]:
    """What templates know of who looks, and of what may be done."""
    return {"person": g.get("guest") or g.get("person"), "deeds": Deed}


def has_forms(path: str) -> bool:
    """Whether a form may be sent to a path, as it may be a page's."""
    return path != "/" and not path.startswith(NO_FORMS)
