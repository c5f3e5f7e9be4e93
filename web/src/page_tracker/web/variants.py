"""`GET /js/variant.js` and `/js/variant.json`: which variant a visitor is shown today.

It is dealt by the visitor's hash, which nobody can make once the day's salt is gone:
nothing is stored, neither here nor in the browser.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from importlib.resources import files
from typing import NamedTuple

from flask import Blueprint, Response, jsonify, request
from redis import RedisError

from page_tracker.collect.direct import UnbatchedCollector
from page_tracker.hits.client_address import Proxies
from page_tracker.protocols.headers import seen_of, sender_of
from page_tracker.schema import PROP_VALUE_LIMIT
from page_tracker.shares import dealt
from page_tracker.sites.site import Site
from page_tracker.store.sites import Sites
from page_tracker.web.collect_routes import headers_sent

DAY = 24 * 60 * 60
SCRIPT = (files("page_tracker") / "web" / "static" / "variant.js").read_bytes()
# It becomes a part of the name of an attribute, where capitals would be lost.
NAME = re.compile("[a-z][a-z0-9_-]{0,99}")
SHARE = re.compile(r"1000000|[0-9]{1,6}(\.[0-9]{1,9})?")
MOST = 20


class VariantServices(NamedTuple):
    """What deals variants; each is created on first use."""

    sites: Callable[[], Sites]
    collector: Callable[[], UnbatchedCollector]
    proxies: Proxies


def variants(services: VariantServices) -> Blueprint:
    """The two routes."""
    blueprint = Blueprint("variants", __name__)

    @blueprint.get("/js/variant.js")
    def give_variant_script() -> Response:
        """Serve the script that asks for variants."""
        response = Response(SCRIPT, mimetype="text/javascript")
        response.add_etag()
        response.cache_control.public = True
        response.cache_control.max_age = DAY
        response.make_conditional(request)
        return _open(response)

    @blueprint.get("/js/variant.json")
    def give_variant() -> Response:
        """Serve the variant `of` several that the asking visitor is shown today.

        Each has its `share` of visitors, in any unit; without, they are split evenly.
        """
        name, of = request.args.get("name", ""), request.args.getlist("of")
        shares = request.args.getlist("share") or ["1"] * len(of)
        if problem := _problem(name, of) or _problem_of_shares(of, shares):
            return _failed(400, problem)
        try:
            site = _site(services.sites(), request.args.get("d", ""))
            if site is None:
                return _failed(404, "`d` is not a site here")
            visitor = _visitor(services, site)
        except RedisError:
            return _failed(503, "the store does not answer; try again in a moment")
        parts = list(zip(of, map(float, shares), strict=True))
        return _told(jsonify(variant=dealt(f"{name}\0{visitor.hex()}", parts)))

    return blueprint


def _problem(name: str, of: list[str]) -> str:
    """What is wrong with what is asked; '' if nothing is."""
    if not NAME.fullmatch(name):
        return (
            "`name` must start with a small letter and hold only small letters, digits,"
            " - and _"
        )
    if not 2 <= len(of) <= MOST or not all(1 <= len(v) <= PROP_VALUE_LIMIT for v in of):
        return f"give `of` 2 to {MOST} times, once per variant"
    return ""


def _problem_of_shares(of: list[str], shares: list[str]) -> str:
    """What is wrong with how visitors are to be split; '' if nothing is."""
    if len(shares) != len(of):
        return "give `share` as often as `of`, or not at all"
    if all(SHARE.fullmatch(share) and 0 < float(share) for share in shares):
        return ""
    return "each `share` must be a number above 0, at most 1000000"


def _site(sites: Sites, domains: str) -> Site | None:
    """The first of the sites that a page counts for."""
    return sites.directory().resolve(domains.partition(",")[0].strip())


def _visitor(services: VariantServices, site: Site) -> bytes:
    headers = headers_sent()
    address = seen_of(headers, request.remote_addr or "", services.proxies).address
    moment = time.time_ns() // 1000
    return services.collector().visitor(site, sender_of(headers, address), moment)


def _failed(status: int, why: str) -> Response:
    response = _told(jsonify(error=why))
    response.status_code = status
    return response


def _told(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return _open(response)


def _open(response: Response) -> Response:
    """Pages of any origin may read it."""
    response.access_control_allow_origin = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
