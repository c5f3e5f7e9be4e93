"""The Flask application: `app`, `create_app()`, the counter page, `redis()`."""

from __future__ import annotations

import logging
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from flask import (
    Flask,
    Response,
    current_app,
    redirect,
    render_template,
    request,
)
from flask.typing import ResponseReturnValue
from redis import Redis, RedisError
from werkzeug.exceptions import (
    InternalServerError,
    MethodNotAllowed,
    NotFound,
)

from page_tracker.collect.direct import UnbatchedCollector
from page_tracker.history.register import Import
from page_tracker.lake.folder_format import refuse_newer_folder
from page_tracker.processes.limits import leave_no_core
from page_tracker.processes.run_command import run_command, start_command
from page_tracker.request_id import CURRENT, HEADER
from page_tracker.settings import Settings
from page_tracker.store.accounts import Accounts
from page_tracker.store.annotations import AnnotationStore
from page_tracker.store.codes import UsedCodes
from page_tracker.store.counters import Live
from page_tracker.store.exports import Exports
from page_tracker.store.first_hit_waits import Waits
from page_tracker.store.links import Links
from page_tracker.store.redis_health import durability_notice, store_problem
from page_tracker.store.registry import Registry
from page_tracker.store.sessions import Sessions
from page_tracker.store.sites import Sites
from page_tracker.store.tokens import Tokens
from page_tracker.web.api.annotations import annotations_api
from page_tracker.web.api.goals import goals_api
from page_tracker.web.api.goatcounter import goatcounter_api
from page_tracker.web.api.query import asking_api
from page_tracker.web.api.sites import api
from page_tracker.web.api.sites_v1 import sites_v1_api
from page_tracker.web.api.sites_v1_guests import GuestServices
from page_tracker.web.api.stats_v1 import stats_v1_api
from page_tracker.web.badges import Counters, badges
from page_tracker.web.collect_routes import collecting
from page_tracker.web.failed import failed
from page_tracker.web.guesses import Guesses
from page_tracker.web.late_rule import LateRule
from page_tracker.web.openapi.describing import describing
from page_tracker.web.pages.blueprint import pages
from page_tracker.web.pages.credentials import Checking, Limits
from page_tracker.web.pages.guard import PageGuard
from page_tracker.web.pages.page_services import PageServices
from page_tracker.web.pages.password_hashing import Hashing
from page_tracker.web.pages.people_blueprint import (
    bot_name,
    browser_name,
    closed,
    people_pages,
)
from page_tracker.web.pages.people_services import PeopleServices
from page_tracker.web.pages.proxy_sign_in import ProxySignIn
from page_tracker.web.pages.server_addresses import ServerAddresses
from page_tracker.web.pages.settings.section import SettingsServices
from page_tracker.web.pages.settings.settings_blueprint import settings_pages
from page_tracker.web.probes import probes
from page_tracker.web.recent_sessions import RecentSessions
from page_tracker.web.script import ScriptServices, scripts
from page_tracker.web.token_guard import Guard, seen
from page_tracker.web.variants import VariantServices, variants
from page_tracker.wiring.collecting import (
    open_lookups,
    open_spool,
    open_unbatched_collector,
)
from page_tracker.wiring.flags import open_flags
from page_tracker.wiring.register import open_register
from page_tracker.wiring.sent_logs import open_sent_logs
from page_tracker.wiring.store import (
    open_annotations,
    open_live,
    open_people,
    open_redis,
    open_registry,
)

if TYPE_CHECKING:
    from page_tracker.query.ask import Asking
    from page_tracker.sites.site import Site
    from page_tracker.upkeep.deletion_with_imports import CountedDeletion, SiteDeletion
    from page_tracker.upkeep.retention_preview import RetentionPreview

logger = logging.getLogger(__name__)

# Who may read while Redis is away; each process knows only people it has seen.
recent_sessions = RecentSessions()

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@cache
def redis() -> Redis:
    """The process's client of the Redis that REDIS_URL named at the first call."""
    return open_redis(Settings.from_environment())


@cache
def registry() -> Registry:
    """The process's sites and tokens, from its Redis."""
    return open_registry(Settings.from_environment(), redis())


@cache
def sites() -> Sites:
    return Sites(registry())


@cache
def tokens() -> Tokens:
    return Tokens(registry())


@cache
def accounts() -> Accounts:
    return Accounts(open_people(Settings.from_environment(), redis()))


@cache
def annotation_store() -> AnnotationStore:
    """What happened to sites, day by day, as their people wrote it."""
    return AnnotationStore(open_annotations(Settings.from_environment(), redis()))


def imports_of(site: str) -> list[Import]:
    """The imports of a site, including undone ones."""
    register = open_register(Settings.from_environment())
    return [each for each in register.all() if each.site == site]


@cache
def asking() -> Asking:
    """What questions are asked with, loaded with the first one."""
    # pylint: disable-next=import-outside-toplevel # most processes may never be asked
    from page_tracker.wiring.asking import open_asking

    return open_asking(Settings.from_environment())


def site_deletion(domain: str) -> SiteDeletion:
    """Removes a site; loaded with the first removal."""
    # pylint: disable-next=import-outside-toplevel # as above
    from page_tracker.wiring.deleting import open_site_deletion

    return open_site_deletion(Settings.from_environment(), registry(), domain)


def hits_deletion(
    site: str, path: str | None, first: str | None, last: str | None
) -> CountedDeletion:
    """The deletion of a page's hits, from one day to another. Raises SiteError."""
    # pylint: disable=import-outside-toplevel # as above
    from page_tracker.upkeep.deletion_preview import selected
    from page_tracker.wiring.deleting import open_hits_deletion

    selection = selected(site, path, first, last)
    return open_hits_deletion(Settings.from_environment(), registry(), selection)


def preview_retention(site: Site, now: float) -> RetentionPreview | None:
    """The hits that a site's retention would delete. Raises LakeError."""
    if site.retention_days is None:
        return None
    # pylint: disable-next=import-outside-toplevel # as above
    from page_tracker.wiring.deleting import open_retention_preview

    return open_retention_preview(Settings.from_environment())(site, now)


@cache
def live() -> Live:
    """The live counters."""
    return open_live(Settings.from_environment(), redis())


@cache
def collector() -> UnbatchedCollector:
    """The process's collector, if no event loop has one."""
    return open_unbatched_collector(
        Settings.from_environment(), redis(), sites(), tokens()
    )


class Application(Flask):
    """Logs failures by what answers, not by the address that was asked for."""

    url_rule_class = LateRule

    def log_exception(self, exc_info: Any) -> None:
        self.logger.error("%s failed", request.endpoint, exc_info=exc_info)


def create_app() -> Flask:
    """Create the application.

    Raises SettingsError if a setting is invalid, and FormatError if the data folder was
    written by a newer Page Tracker.
    """
    leave_no_core()
    settings = Settings.from_environment()
    refuse_newer_folder(settings.data)
    flask = Application(
        __name__, template_folder="web/templates", static_folder="web/static"
    )
    front = index if settings.front_page == "counter" else lead_to_sites
    flask.add_url_rule("/", view_func=front)
    flask.register_blueprint(
        probes(
            [lambda: store_problem(redis(), settings.shards)],
            [
                lambda: durability_notice(redis()),
                lambda: open_spool(settings).state().notice,
            ],
        )
    )
    _register_collecting(flask, settings)
    _register_programs(flask, settings)
    _register_pages(flask, settings)
    for failure in (NotFound, MethodNotAllowed, InternalServerError):
        flask.register_error_handler(failure, failed)
    flask.after_request(_secure)
    return flask


def _register_collecting(flask: Flask, settings: Settings) -> None:
    """What websites' pages load, and where they send."""
    flask.register_blueprint(collecting(collector, settings.trusted_proxies))
    flask.register_blueprint(
        badges(Counters(sites, live, collector, settings.trusted_proxies))
    )
    flask.register_blueprint(
        scripts(ScriptServices(sites, collector, settings.trusted_proxies))
    )
    flask.register_blueprint(
        variants(VariantServices(sites, collector, settings.trusted_proxies))
    )


def _register_programs(flask: Flask, settings: Settings) -> None:
    """What programs ask, with a token."""
    guard = Guard(
        tokens, Guesses(redis), lambda: seen(settings.trusted_proxies).address
    )
    flask.register_blueprint(
        api(
            sites,
            tokens,
            lambda: seen(settings.trusted_proxies),
            deletion_of=site_deletion,
            preview_retention=preview_retention,
            guard=guard,
        )
    )
    flask.register_blueprint(goals_api(sites, guard))
    flask.register_blueprint(annotations_api(sites, annotation_store, guard))
    flask.register_blueprint(asking_api(asking, sites, live, guard))
    reached = ServerAddresses(settings.url, settings.trusted_proxies)
    guests = GuestServices(accounts, lambda: Links(redis()), reached.link)
    flask.register_blueprint(sites_v1_api(sites, asking, site_deletion, guests, guard))
    flask.register_blueprint(stats_v1_api(asking, sites, live, guard))
    flask.register_blueprint(
        goatcounter_api(asking, sites, lambda: Exports(redis()), guard)
    )
    flask.register_blueprint(describing)


def _register_pages(flask: Flask, settings: Settings) -> None:
    """What people see, signed in."""
    people = people_services(settings)
    flags = partial(open_flags, settings)
    sources = PageServices(
        asking, sites, live, annotation_store, imports_of, flags, settings.url
    )
    flask.register_blueprint(closed(pages(sources, people.guard), people.guard))
    flask.register_blueprint(closed(people_pages(people), people.guard))
    settings_of_sites = SettingsServices(
        people.guard,
        sites,
        tokens,
        lambda: seen(settings.trusted_proxies),
        preview_retention,
        hits_deletion,
        site_deletion,
    )
    flask.register_blueprint(closed(settings_pages(settings_of_sites), people.guard))


def people_services(settings: Settings) -> PeopleServices:
    """What lets people sign in, and stores them."""
    reached = ServerAddresses(settings.url, settings.trusted_proxies)
    return PeopleServices(
        guard=PageGuard(
            accounts,
            lambda: Sessions(redis()),
            reached,
            proxy_sign_in_of(settings),
            recent_sessions,
            lambda site: sites().shared_links(site),
            lambda: browser_name(open_lookups(settings).now),
        ),
        checking=Checking(
            accounts,
            Hashing(),
            Limits.in_store(redis),
            lambda: UsedCodes(redis()),
            lambda: seen(settings.trusted_proxies).address,
        ),
        accounts=accounts,
        sessions=lambda: Sessions(redis()),
        links=lambda: Links(redis()),
        sites=sites,
        live=live,
        waits=lambda: Waits(redis()),
        own_bot=lambda: bot_name(open_lookups(settings).now),
        run_command=partial(run_command, settings),
        start_command=partial(start_command, settings),
        register=open_register(settings),
        sent_logs=open_sent_logs(settings),
    )


def proxy_sign_in_of(settings: Settings) -> ProxySignIn:
    """How far a proxy is trusted to name people; logged if no proxy can."""
    if settings.sign_in_header and not str(settings.trusted_proxies):
        logger.warning(
            "PAGE_TRACKER_SIGN_IN_HEADER lets nobody in: PAGE_TRACKER_TRUSTED_PROXIES"
            " names no proxy that is to be believed"
        )
    return ProxySignIn(
        settings.sign_in_header,
        settings.trusted_proxies,
        settings.sign_in_new == "added",
        accounts,
    )


def lead_to_sites() -> ResponseReturnValue:
    """Redirect to the page of all sites; nothing is counted."""
    return redirect("/sites")


def index() -> Response:
    """Count this view and show how many there were; HEAD looks without counting."""
    try:
        if request.method == "HEAD":
            views = int(redis().get("page_views") or 0)
        else:
            views = redis().incr("page_views")
    except RedisError as error:
        current_app.logger.error("The view could not be counted (%s)", error)
        return _page("Sorry, something went wrong \N{PENSIVE FACE}", 500)
    return _page(f"This page has been seen {views} times.", 200)


def _page(sentence: str, status: int) -> Response:
    """The sentence: on a page for clients that prefer HTML, else alone."""
    offered = request.accept_mimetypes.best_match(["text/plain", "text/html"])
    if offered == "text/html":
        body = render_template("counter.html", sentence=sentence)
        response = Response(body, status, mimetype="text/html")
    else:
        response = Response(sentence, status, mimetype="text/plain")
    response.headers["Vary"] = "Accept"
    response.headers["Cache-Control"] = "no-store"
    return response


def _secure(response: Response) -> Response:
    for name, text in SECURITY_HEADERS.items():
        response.headers.setdefault(name, text)  # those of pages are stricter
    if name := CURRENT.get():
        response.headers[HEADER] = name
    if request.path.startswith("/api/"):  # counts and tokens: never cached
        response.headers.setdefault("Cache-Control", "no-store")
    return response


app = create_app()
