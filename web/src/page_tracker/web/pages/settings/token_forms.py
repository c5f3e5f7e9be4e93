"""`/SITE/settings/tokens`: which programs may read and administer over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from page_tracker.errors import AccessError, UnknownTokenError
from page_tracker.people.account import may_give
from page_tracker.people.roles import Deed
from page_tracker.sites.site import Site
from page_tracker.sites.token import Scope, Token
from page_tracker.web.pages.render import unkept
from page_tracker.web.pages.settings.section import (
    TOKENS,
    SettingsServices,
    sent,
    shown,
)

FIELDS = ("scope", "reach", "name", "days")


class Listed(NamedTuple):
    """A token in the list."""

    id: str
    name: str
    reach: str
    valid: str


def register_tokens(blueprint: Blueprint, services: SettingsServices) -> None:
    """The routes; the owner of one site sees and creates no tokens for others."""
    keys = _Keys(services)

    @blueprint.get("/<domain:name>/settings/tokens")
    @blueprint.get("/sites/<name>/settings/tokens")
    def show_tokens(name: str) -> ResponseReturnValue:
        return services.opened(name, TOKENS, keys.page)

    @blueprint.post("/sites/<name>/settings/tokens")
    def make_token(name: str) -> Response:
        site = services.admitted(name, Deed.KEEP_TOKENS)
        typed = {field: sent(field) for field in FIELDS}
        try:
            made, secret = keys.make(site, typed)
        except AccessError as error:
            return keys.page(site, typed=typed, error=error)
        return unkept(keys.page(site, made=made, secret=secret))

    @blueprint.post("/sites/<name>/settings/tokens/remove")
    def take_back(name: str) -> Response:
        site = services.admitted(name, Deed.KEEP_TOKENS)
        removed = keys.take_back(site, sent("id"))
        done = f"The token {removed.id} ({_reach(removed)}) is revoked."
        return keys.page(site, [done])


class _Keys:
    """A site's tokens that its person may give."""

    def __init__(self, services: SettingsServices) -> None:
        self._services = services

    def of(self, site: Site) -> list[Token]:
        """Those for the site that the person may give; no other's reach is revealed."""
        return [
            token
            for token in self._services.tokens().all()
            if (token.sites is None or site.id in token.sites)
            and self._may_give(token.sites)
        ]

    def make(self, site: Site, typed: Mapping[str, str]) -> tuple[Token, str]:
        """Create a token; returns it and its text. Raises AccessError."""
        sites = None if typed["reach"] == "all" else (site.id,)
        if not self._may_give(sites):
            raise AccessError(
                "a token for all sites is made by an owner of all sites",
                f"make one for {site.id}",
                field="reach",
            )
        days = typed["days"]
        return self._services.tokens().add(
            typed["scope"],
            sites,
            typed["name"],
            int(days) if _is_number(days) else days or None,
        )

    def take_back(self, site: Site, token_id: str) -> Token:
        """Raises UnknownTokenError, also if it is not one of these."""
        if token_id not in {token.id for token in self.of(site)}:
            raise UnknownTokenError(
                f"{site.id} has no token {token_id[:20]!r}", "reload the page"
            )
        return self._services.tokens().remove(token_id)

    def _may_give(self, sites: Sequence[str] | None) -> bool:
        return may_give(self._services.guard.require().account, sites)

    def page(  # pylint: disable=too-many-arguments # each is shown
        self,
        site: Site,
        done: Sequence[str] = (),
        *,
        typed: Mapping[str, str] | None = None,
        error: AccessError | None = None,
        made: Token | None = None,
        secret: str = "",
    ) -> Response:
        wrong = {error.field: _sentence(error)} if error else {}
        return shown(
            site,
            TOKENS,
            "tokens.html",
            400 if error else 200,
            tokens=[_listed(token) for token in self.of(site)],
            scopes=[scope.value for scope in Scope],
            may_give_all=self._may_give(None),
            typed=typed or dict.fromkeys(FIELDS, ""),
            wrong=wrong,
            error=error,
            done=done,
            made=_listed(made) if made else None,
            secret=secret,
        )


def _listed(token: Token) -> Listed:
    valid = f"since {_date(token.created)}"
    if token.expires is not None:
        valid = f"{_date(token.created)} to {_date(token.expires)}"
    return Listed(token.id, token.name, _reach(token), valid)


def _reach(token: Token) -> str:
    sites = "all sites" if token.sites is None else ", ".join(token.sites)
    return f"{token.scope} of {sites}"


def _date(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def _sentence(error: AccessError) -> str:
    return f"{error.problem[:1].upper()}{error.problem[1:]}: {error.remedy}."
