"""The Flask application: `app`, `create_app()`, the counter page, `redis()`."""

from functools import cache

from flask import Flask, Response, current_app, render_template, request
from redis import Redis, RedisError

from page_tracker.health import redis_problem
from page_tracker.services import open_redis
from page_tracker.settings import Settings
from page_tracker.web.probes import probes

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@cache
def redis() -> Redis:
    """The process's client of the Redis that REDIS_URL names at its first call."""
    return open_redis(Settings.from_environment())


def create_app() -> Flask:
    """Make the application; raises SettingsError where a setting means nothing."""
    Settings.from_environment()
    flask = Flask(__name__, template_folder="web/templates", static_folder="web/static")
    flask.add_url_rule("/", view_func=index)
    flask.register_blueprint(probes([lambda: redis_problem(redis())]))
    flask.after_request(_secure)
    return flask


def index() -> Response:
    """Count this view and say how many there were; HEAD looks without counting."""
    try:
        if request.method == "HEAD":
            views = int(redis().get("page_views") or 0)
        else:
            views = redis().incr("page_views")
    except RedisError:
        current_app.logger.exception("The view could not be counted")
        return _page("Sorry, something went wrong \N{PENSIVE FACE}", 500)
    return _page(f"This page has been seen {views} times.", 200)


def _page(sentence: str, status: int) -> Response:
    """The sentence: on a page for whoever prefers HTML, else alone."""
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
    response.headers.update(SECURITY_HEADERS)
    return response


app = create_app()
