"""An extension for Flask:

PageTracker(app, server="https://stats.example.com", site="example.org")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from page_tracker_client.wsgi import PageTrackerMiddleware

if TYPE_CHECKING:
    from typing import Protocol
    from wsgiref.types import WSGIApplication

    class FlaskApplication(Protocol):
        """The part of flask.Flask that is used, so that Flask is not imported."""

        wsgi_app: Any
        extensions: dict[str, Any]
        config: Any


class PageTracker:
    """Counts the page views of one application or, by `init_app`, of several.

    Options are given here, or in `app.config["PAGE_TRACKER"]`.
    """

    def __init__(self, app: FlaskApplication | None = None, **options: Any) -> None:
        """Raises TypeError or ValueError for invalid options."""
        self._options = options
        if app is not None:
            self.init_app(app)

    def init_app(self, app: FlaskApplication) -> None:
        """Count an application's page views; raises as above."""
        options = {**app.config.get("PAGE_TRACKER", {}), **self._options}
        inner: WSGIApplication = app.wsgi_app
        middleware = PageTrackerMiddleware(inner, **options)
        app.wsgi_app = middleware
        app.extensions["page_tracker"] = middleware.client
