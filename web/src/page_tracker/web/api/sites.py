"""`/api/sites`, `/api/tokens`, `/api/address`: what an owner does, over HTTP.

Every answer is JSON; a failure is `{"error": why and what to do}`. A token for some
sites sees and changes only these: it cannot find out whether others exist.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from flask import Blueprint, Response, current_app, jsonify

from page_tracker.errors import AccessError, SiteError
from page_tracker.hits.client_address import ClientAddress
from page_tracker.nesting import shallow
from page_tracker.sites.settings import changed_site, new_site, settings_of
from page_tracker.sites.site import Directory, Site, has_further_hosts
from page_tracker.sites.token import Scope, Token, allows, may_give
from page_tracker.store.sites import Sites, found_site
from page_tracker.store.tokens import Tokens, token_as_json
from page_tracker.web.api.failures import register_failures, sent_body
from page_tracker.web.retention_agreement import WouldDelete, require_agreed
from page_tracker.web.token_guard import Guard, Refused, forbidden

if TYPE_CHECKING:  # Delta is loaded with the first that is asked for
    from page_tracker.upkeep.retention_preview import PreviewRetention

LONGEST_BODY = 256 * 1024
# How many hits a site's new retention deletes, which the caller has to confirm.
AGREED = "delete_hits"
# What a request for a new token may contain.
WANTED = ("scope", "sites", "all_sites", "name", "days")


class RunningDeletion(Protocol):
    """Removes one site."""

    def count(self) -> int:
        """How many hits would be deleted. Raises UnknownSiteError."""

    def run(self, say: Callable[[str], None]) -> None:
        """Remove it. Raises ImportsBusyError, or LakeError if it is half done."""


def _agreed(settings: dict[str, Any]) -> int | None:
    """How many hits may be deleted, as confirmed; it is removed from the settings."""
    if AGREED not in settings:
        return None
    agreed = settings.pop(AGREED)
    # JSON's true equals 1 in Python.
    if isinstance(agreed, bool) or not isinstance(agreed, int) or agreed < 1:
        remedy = "write the number from the answer, or leave it out"
        raise SiteError(AGREED, "is not an integer of at least 1", remedy)
    return agreed


def api(  # pylint: disable=too-many-arguments # each is for something else
    sites: Callable[[], Sites],
    tokens: Callable[[], Tokens],
    seen: Callable[[], ClientAddress],
    *,
    deletion_of: Callable[[str], RunningDeletion],
    preview_retention: PreviewRetention,
    guard: Guard,
) -> Blueprint:
    """The routes; `seen` returns the address that a request comes from, and why."""
    blueprint = Blueprint("api", __name__, url_prefix="/api")
    register_failures(blueprint)
    blueprint.register_error_handler(WouldDelete, _would_delete)
    _register_sites(blueprint, sites, deletion_of, preview_retention, guard)
    _register_tokens(blueprint, tokens, sites, guard)

    @blueprint.get("/address")
    def address() -> Response:
        """The client address that the server sees here, and why."""
        guard.token()
        client = seen()
        return jsonify(address=client.address, why=client.why)

    return blueprint


def _register_sites(
    blueprint: Blueprint,
    sites: Callable[[], Sites],
    deletion_of: Callable[[str], RunningDeletion],
    preview_retention: PreviewRetention,
    guard: Guard,
) -> None:
    @blueprint.get("/sites")
    def list_sites() -> Response:
        token = _admin(guard)
        mine = [s for s in sites().all() if allows(token, Scope.ADMIN, s.id)]
        return jsonify(sites=[settings_of(site) for site in mine])

    @blueprint.post("/sites")
    def add_site() -> tuple[Response, int, dict[str, str]]:
        guard.admit(Scope.ADMIN, None)
        settings, now = json_object(), time.time()
        domain, agreed = settings.pop("domain", None), _agreed(settings)
        wanted = new_site(domain, settings, int(now))
        require_agreed(preview_retention, wanted, now, agreed)
        site = sites().add(domain, settings)
        location = f"{blueprint.url_prefix}/sites/{site.id}"
        return jsonify(settings_of(site)), 201, {"Location": location}

    @blueprint.get("/sites/<domain>")
    def show_site(domain: str) -> Response:
        return jsonify(settings_of(sites().get(admitted_site(guard, sites(), domain))))

    @blueprint.patch("/sites/<domain>")
    def change_site(domain: str) -> Response:
        token = guard.token()
        site = found_site(_admit(token, sites(), domain), domain)
        is_for_all = token.sites is None
        approve = _change_anything if is_for_all else _change_what_is_its_own
        settings, now = json_object(), time.time()
        agreed = _agreed(settings)
        if "retention_days" in settings:
            wanted = changed_site(site, settings, int(now))
            require_agreed(preview_retention, wanted, now, agreed)
        changed = sites().change(site.id, settings, approve, by=token_in_words(token))
        return jsonify(settings_of(changed))

    @blueprint.delete("/sites/<domain>")
    def remove_site(domain: str) -> tuple[str, int]:
        """Remove a site and all of its hits, or finish that; answers when gone."""
        _admit(guard.token(), sites(), domain)
        deletion = deletion_of(domain)
        deletion.count()
        deletion.run(current_app.logger.debug)
        return "", 204


def _register_tokens(
    blueprint: Blueprint,
    tokens: Callable[[], Tokens],
    sites: Callable[[], Sites],
    guard: Guard,
) -> None:
    @blueprint.get("/tokens")
    def list_tokens() -> Response:
        token = _admin(guard)
        mine = [each for each in tokens().all() if may_give(token, each.sites)]
        return jsonify(tokens=[token_as_json(each) for each in mine])

    @blueprint.post("/tokens")
    def add_token() -> tuple[Response, int]:
        token = _admin(guard)
        wanted = json_object()
        if unknown := sorted(set(wanted) - set(WANTED)):
            raise AccessError(
                f"{unknown[0][:100]!r} is nothing of a token",
                f"write {', '.join(WANTED)}",
            )
        domains = _wanted_sites(wanted)
        if not may_give(token, _ids(domains, Directory(sites().all()))):
            raise forbidden(token)
        made, text = tokens().add(
            wanted.get("scope"), domains, wanted.get("name", ""), wanted.get("days")
        )
        return jsonify({**token_as_json(made), "token": text}), 201

    @blueprint.delete("/tokens/<token_id>")
    def remove_token(token_id: str) -> tuple[str, int]:
        token = _admin(guard)
        known = {each.id: each for each in tokens().all()}
        mine = known.get(token_id)
        if not may_give(token, mine.sites if mine else None):
            raise forbidden(token)
        tokens().remove(token_id)
        return "", 204


def _would_delete(error: WouldDelete) -> tuple[Response, int]:
    going = error.going
    days = {"first_day": f"{going.first}", "last_day": f"{going.last}"}
    why = (
        f"{going.in_words()} are older than that and would be deleted for good; repeat"
        f' it with "{AGREED}": {going.hits} if that is meant'
    )
    return jsonify(error=why, **{AGREED: going.hits}, **days), 409


def _admin(guard: Guard) -> Token:
    """The request's token, if it is an admin's, for whatever sites."""
    token = guard.token()
    if token.scope is not Scope.ADMIN:
        raise forbidden(token)
    return token


def admitted_site(guard: Guard, sites: Sites, domain: str) -> str:
    """The id of a site that the request's token may change. Raises Refused."""
    return found_site(_admit(guard.token(), sites, domain), domain).id


def _admit(token: Token, sites: Sites, domain: str) -> dict[str, Site]:
    """All sites, if the token may change this one. Raises Refused."""
    known = {site.id: site for site in sites.all()}
    site = Directory(known.values()).resolve(domain)
    if not allows(token, Scope.ADMIN, site.id if site else None):
        raise forbidden(token)
    return known


def token_in_words(token: Token) -> str:
    """A token as the author of a change."""
    return f"token {token.name or token.id}"


def _change_anything(_before: Site, _after: Site) -> None:
    """Approve any change, for tokens for all sites."""


def _change_what_is_its_own(before: Site, after: Site) -> None:
    """Refuse to give a site a host, which other sites would lose.

    Whether another site has it is not revealed.
    """
    if has_further_hosts(before, after):
        raise Refused(403, "a site is given hosts and aliases by a token for all sites")


def _wanted_sites(wanted: dict[str, Any]) -> list[str] | None:
    """The domains that a token is requested for, None for all. Raises AccessError."""
    domains, all_sites = wanted.get("sites"), wanted.get("all_sites", False)
    if all_sites is True and domains is None:
        return None
    is_list = isinstance(domains, list) and all(isinstance(d, str) for d in domains)
    if all_sites is not False or not domains or not is_list:
        raise AccessError(
            "a token is for some sites or for all",
            'write "sites": ["example.com"] or "all_sites": true',
        )
    return list(domains)


def _ids(domains: list[str] | None, directory: Directory) -> list[str] | None:
    """The sites' ids; an unknown site's is its domain, for which there is no token."""
    if domains is None:
        return None
    found = ((domain, directory.resolve(domain)) for domain in domains)
    return [site.id if site else domain for domain, site in found]


def json_object() -> dict[str, Any]:
    """The request's JSON object. Raises Refused."""
    try:
        body = msgspec.json.decode(shallow(sent_body(LONGEST_BODY)))
    except ValueError as error:
        raise Refused(400, "the body is not valid JSON; send an object") from error
    if not isinstance(body, dict):
        raise Refused(400, "the body is not a JSON object; write it in braces")
    return body
