"""Middleware for WSGI applications: Flask, Django, Pyramid, Bottle and others.

application = PageTrackerMiddleware(
    application, server="https://stats.example.com", site="example.org"
)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Unpack

from page_tracker_client.counting import Counting, Options, end
from page_tracker_client.request import WsgiRequest

if TYPE_CHECKING:
    from types import TracebackType
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    ErrorInfo = (
        tuple[type[BaseException], BaseException, TracebackType]
        | tuple[None, None, None]
        | None
    )


class PageTrackerMiddleware:
    """Counts the page views of an application, and passes all requests on to it."""

    def __init__(
        self, application: WSGIApplication, **options: Unpack[Options]
    ) -> None:
        """Raises TypeError or ValueError for invalid options."""
        self._application = application
        self._counting = Counting.of(**options)
        self.client = self._counting.client

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        counting, request = self._counting, WsgiRequest(environ)

        def start(
            status: str, headers: list[tuple[str, str]], exc_info: ErrorInfo = None, /
        ) -> Callable[[bytes], object]:
            write = start_response(status, headers, exc_info)
            counting.answered(request, int(status[:3]), _content_type(headers))
            return write

        begun = counting.begin(request)
        try:
            return self._application(environ, start)
        finally:
            end(begun)


def _content_type(headers: list[tuple[str, str]]) -> str:
    for name, value in headers:
        if name.lower() == "content-type":
            return value
    return ""
