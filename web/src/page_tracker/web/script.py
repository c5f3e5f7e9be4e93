"""The scripts that pages load, ours at `/js/script.js` and other trackers'.

`web/script` has their sources; what they are built with is decided there, and what they
are told by a name (`script_names`) is put in here.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from flask import Blueprint, Response, request
from redis import RedisError

from page_tracker.collect.direct import UnbatchedCollector
from page_tracker.errors import NotStoredError
from page_tracker.hits.client_address import Proxies
from page_tracker.hits.hit import RawHit
from page_tracker.protocols.headers import seen_of, sender_of
from page_tracker.store.sites import Sites
from page_tracker.web.collect_routes import headers_sent
from page_tracker.web.referring_host import referring_host
from page_tracker.web.script_names import BY_PATH, MINUTE, Asked, asked_for

SCRIPTS = files("page_tracker") / "web" / "scripts"
# In a build, where what it is told stands.
_HOLE = b"ASKED"
# Whatever words in whatever order: so many scripts are kept.
_KEPT = 256


class ScriptServices(NamedTuple):
    """What the scripts need; each is created on first use."""

    sites: Callable[[], Sites]
    collector: Callable[[], UnbatchedCollector]
    proxies: Proxies


class Packed(NamedTuple):
    """A script as it is sent: as it is, or compressed."""

    plain: bytes
    gzip: bytes


def scripts(services: ScriptServices) -> Blueprint:
    """The route of all scripts."""
    blueprint = Blueprint("scripts", __name__)

    @blueprint.get("/js/<name>.js")
    def give_script(name: str) -> Response:
        """Serve a script; or, under an unknown name, one that says so."""
        asked = asked_for(name)
        if asked is None:
            _note(services, f"/js/{name}.js")
            return _given(_complaint(f"/js/{name}.js"), MINUTE)
        return _given(composed(asked, _domain(services, asked.alias)), asked.max_age)

    for path, whole in BY_PATH.items():
        blueprint.add_url_rule(
            path,
            endpoint=path.strip("/").replace(".", "_"),
            view_func=lambda whole: _given(composed(whole, None), whole.max_age),
            defaults={"whole": whole},
        )

    return blueprint


@lru_cache(_KEPT)
def composed(asked: Asked, domain: str | None) -> Packed:
    """A build, told the words of its name and the site; None is the page's own."""
    told = json.dumps([asked.words, domain], separators=(",", ":"))[1:-1]
    build = (SCRIPTS / f"{asked.build}.js").read_bytes()
    return _packed(build.replace(_HOLE, told.encode()))


def _packed(plain: bytes) -> Packed:
    return Packed(plain, gzip.compress(plain, 9, mtime=0))


def _domain(services: ScriptServices, alias: str) -> str | None:
    """The site that has the alias, if it is known and can be found out."""
    if not alias:
        return None
    try:
        site = services.sites().directory().resolve(alias)
    except RedisError:
        return None
    return site.id if site else None


def _complaint(path: str) -> Packed:
    """What a page's console says where nothing would count and nobody know why."""
    text = (
        f"Page Tracker has no script {path}: this page is not counted."
        " See docs/reference/other-trackers.md for the names that there are."
    )
    return _packed(f"console.error({json.dumps(text)});\n".encode())


def _note(services: ScriptServices, path: str) -> None:
    """Report a page that loads an unknown script to its owner: nothing else will."""
    host = referring_host()
    if not host:
        return
    headers = headers_sent()
    address = seen_of(headers, request.remote_addr or "", services.proxies).address
    refused = RawHit(site=host, url="", refused=f"script: there is no {path}")
    with suppress(NotStoredError):
        services.collector().collect([refused], sender_of(headers, address))


def _given(script: Packed, max_age: int) -> Response:
    """The script for pages of any origin, compressed if the browser accepts that."""
    response = Response(script.plain, mimetype="text/javascript")
    if request.accept_encodings["gzip"]:
        response.set_data(script.gzip)
        response.content_encoding = "gzip"
    response.add_etag()
    response.vary.add("Accept-Encoding")
    response.cache_control.public = True
    response.cache_control.max_age = max_age
    response.access_control_allow_origin = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.make_conditional(request)
    return response
