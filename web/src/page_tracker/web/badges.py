"""`/counter/…` shows what is counted, `/hit/…` counts and shows it: badges and pixels.

`/counter/<path>.{html,json,png,svg,txt}`, with TOTAL for a whole site, and
`/hit/<path>.{gif,svg}` for where no script runs, such as a README. The site is the
`site` parameter's, else the referring page's, else the only one there is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

from flask import Blueprint, Response, jsonify, render_template, request
from markupsafe import Markup
from redis import RedisError
from werkzeug.exceptions import NotFound

from page_tracker.collect.direct import UnbatchedCollector
from page_tracker.collect.drops import RETRY_AWAY
from page_tracker.errors import NotStoredError
from page_tracker.hits.client_address import Proxies
from page_tracker.hits.hit import Drop, RawHit
from page_tracker.hits.page import page_of
from page_tracker.protocols.goatcounter import GIF
from page_tracker.protocols.headers import seen_of, sender_of
from page_tracker.protocols.request import header_text, reasons_of
from page_tracker.sites.site import Directory, Site
from page_tracker.store.counters import Live
from page_tracker.store.sites import Sites
from page_tracker.web.badge_image import Look, badge, checked, count_text
from page_tracker.web.collect_routes import headers_sent
from page_tracker.web.count_image import count_image
from page_tracker.web.path_converter import add_converters
from page_tracker.web.referring_host import referring_host

TOTAL = "TOTAL"
UNKNOWN = "?"

# A badge is fetched again each time, and no cache may keep it.
LOOK_AGAIN = "private, no-cache, max-age=0"
# Any page may show it, and its style loads nothing.
FRAMED = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors *"
KEEP_NOT = "private, no-cache, no-store, max-age=0"


class Refused(Exception):
    """No count can be shown; the message says why and what to do."""

    def __init__(self, status: int, why: str, count: str = UNKNOWN) -> None:
        super().__init__(why)
        self.status = status
        self.why = why
        self.count = count


class Counters(NamedTuple):
    """What the badges need; each is created on first use."""

    sites: Callable[[], Sites]
    live: Callable[[], Live]
    collector: Callable[[], UnbatchedCollector]
    proxies: Proxies


def badges(counters: Counters) -> Blueprint:
    """The two routes."""
    blueprint = Blueprint("badges", __name__)

    blueprint.record(add_converters)

    @blueprint.get("/counter/<anything:name>", merge_slashes=False)
    def counter(name: str) -> Response:
        """Show a page's count, or the whole site's."""
        name, form = _split(name, ("html", "json", "png", "svg", "txt"))
        try:
            look = _look()
            _require_all_time()
            site = _site(counters.sites())
            _require_public(site)
            views = _views(counters.live(), site, name)
            if form == "html":
                response = _framed(count_text(views), name == TOTAL)
            else:
                response = _shown(form, look, views)
        except RedisError as error:
            response = _failed(
                form, Refused(503, f"the count cannot be read ({error})")
            )
        except Refused as error:
            response = _failed(form, error)
        response.headers["Cache-Control"] = LOOK_AGAIN
        if response.status_code == 200:  # a failure is sent again, unchanged or not
            response.add_etag()
            response.make_conditional(request)
        return response

    @blueprint.get("/hit/<anything:name>", merge_slashes=False)
    def hit(name: str) -> Response:
        """Count a view of a page, and show its count; HEAD only shows it."""
        name, form = _split(name, ("gif", "svg"))
        drops: list[Drop] = []
        try:
            look = _look()
            site = _site(counters.sites())
            if form == "svg":
                _require_public(site)
            if request.method != "HEAD":
                drops = _counted(counters, site, name)
            views = counters.live().views(site.id, _path(name)) if form == "svg" else 0
            response = _shown(form, look, views)
        except NotStoredError as error:
            response = _failed(form, Refused(error.status, str(error)))
        except RedisError as error:
            response = _failed(form, Refused(503, str(error)))
        except Refused as error:
            response = _failed(form, error)
        if drops:
            reasons = header_text(reasons_of(drops)).decode()
            response.headers["X-Page-Tracker-Dropped"] = reasons
        response.headers["Cache-Control"] = KEEP_NOT
        return response

    return blueprint


def _split(name: str, forms: tuple[str, ...]) -> tuple[str, str]:
    """The page and the format in the address; anything else is not found."""
    name, _, form = name.rpartition(".")
    if form not in forms:
        raise NotFound(f"what ends in one of .{', .'.join(forms)} is here")
    return name, form


def _path(name: str) -> str:
    """The page's path as it is stored."""
    return page_of("/" + quote(name.lstrip("/"))).path


def _require_all_time() -> None:
    """Refuse a period: ignoring it would make the answer wrong."""
    if "start" in request.args or "end" in request.args:
        raise Refused(
            400,
            "a counter is of all time: leave out start and end, or ask /api/v2/query"
            " for a period",
        )


def _site(sites: Sites) -> Site:
    """The site that is meant, even if it was added just now. Raises Refused."""
    named = request.args.get("site", "").strip()
    site = _site_in(sites.directory(), named) or _site_in(sites.look_again(), named)
    if site is not None:
        return site
    if named:
        raise Refused(404, f"there is no site {named}")
    raise Refused(400, "which site is meant is not clear: add ?site= and its domain")


def _site_in(directory: Directory, named: str) -> Site | None:
    if named:
        return directory.resolve(named)
    return directory.resolve(referring_host()) or directory.only()


def _require_public(site: Site) -> None:
    if not site.public_counter:
        raise Refused(403, f"{site.id} shows its counts to nobody (public_counter)")


def _views(live: Live, site: Site, name: str) -> int:
    """The page's views, or the site's. Raises Refused for a page that has none."""
    if name == TOTAL:
        return live.total(site.id)
    views = live.views(site.id, _path(name))
    if not views:
        raise Refused(404, f"{site.id} has no page {_path(name)}", count_text(0))
    return views


def _counted(counters: Counters, site: Site, name: str) -> list[Drop]:
    """Store one view; returns why it was dropped, if it was. Raises NotStoredError."""
    headers = headers_sent()
    address = seen_of(headers, request.remote_addr or "", counters.proxies).address
    referrer = request.headers.get("Referer", "")
    raw = RawHit(
        site=site.id,
        url=f"https://{site.id}/{quote(name.lstrip('/'))}",
        referrer=referrer,
        through_proxy=True,
    )
    return counters.collector().collect([raw], sender_of(headers, address))


def _shown(form: str, look: Look, views: int) -> Response:
    if form == "gif":
        return _open(Response(GIF, mimetype="image/gif"))
    if form == "json":
        return _open(_json(count_text(views)))
    if form == "png":
        return _open(Response(count_image(count_text(views)), mimetype="image/png"))
    if form == "txt":
        return _open(Response(f"{views}\n", mimetype="text/plain"))
    return _drawn(look, count_text(views))


def _failed(form: str, refused: Refused) -> Response:
    """The failure, in a format that does not break the page that shows it."""
    if form == "svg":
        response = _drawn(Look(), refused.count)
    elif form == "gif":
        response = _open(Response(GIF, mimetype="image/gif"))
    elif form == "png":
        response = _open(Response(count_image(refused.count), mimetype="image/png"))
    elif form == "html":
        response = _framed(refused.count, of_all=False)
    elif form == "json" and refused.status == 404:
        response = _open(_json(refused.count, refused.why))
    elif form == "json":
        response = _open(jsonify(error=refused.why))
    else:
        response = _open(Response(f"{refused.why}\n", mimetype="text/plain"))
    response.status_code = refused.status
    response.headers["X-Page-Tracker-Error"] = header_text(refused.why).decode()
    if refused.status in (429, 503):
        response.headers["Retry-After"] = str(RETRY_AWAY)
    return response


def _json(count: str, error: str | None = None) -> Response:
    """GoatCounter's counter: both numbers are strings, and the same since its 2.0."""
    why = {} if error is None else {"error": error}
    return jsonify(count=count, count_unique=count, **why)


def _framed(count: str, of_all: bool) -> Response:
    """A page that any page may show in a frame, in its style; as GoatCounter's."""
    # What a style says cannot end it.
    style = request.args.get("style", "").replace("<", "")
    html = render_template(
        "framed_count.html",
        count=count,
        of_all=of_all,
        style=Markup(style),  # nosec B704 # no tag can follow
        is_branded="no_branding" not in request.args,
    )
    response = _open(Response(html, mimetype="text/html"))
    response.headers["Content-Security-Policy"] = FRAMED
    return response


def _drawn(look: Look, count: str) -> Response:
    svg = render_template("badge.svg", badge=badge(look, count))
    return _open(Response(svg, mimetype="image/svg+xml"))


def _look() -> Look:
    """How the badge should look, from the query. Raises Refused if that is invalid."""
    said = {
        field: request.args[field] for field in Look._fields if field in request.args
    }
    try:
        return checked(Look(**said))
    except ValueError as error:
        raise Refused(400, str(error)) from error


def _open(response: Response) -> Response:
    """Pages of any origin may show and read it."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
