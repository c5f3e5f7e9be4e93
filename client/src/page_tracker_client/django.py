"""Middleware for Django, with WSGI and with ASGI:

MIDDLEWARE = ["page_tracker_client.django.page_tracker", …]
PAGE_TRACKER = {"server": "https://stats.example.com", "site": "example.org"}
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from page_tracker_client.counting import Counting, end
from page_tracker_client.request import WsgiRequest

Answer = Callable[[HttpRequest], HttpResponseBase]
AnswerLater = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware  # type: ignore[untyped-decorator] # Django has no types
def page_tracker(get_response: Answer | AnswerLater) -> Answer | AnswerLater:
    """Counts the page views of a project, with the options in its setting PAGE_TRACKER.

    Raises ImproperlyConfigured if that is missing or invalid.
    """
    counting = _counting()

    def answer(request: HttpRequest) -> HttpResponseBase:
        seen = DjangoRequest(request)
        begun = counting.begin(seen)
        try:
            response = cast(Answer, get_response)(request)
        finally:
            end(begun)
        _count(counting, seen, response)
        return response

    async def answer_later(request: HttpRequest) -> HttpResponseBase:
        seen = DjangoRequest(request)
        begun = counting.begin(seen)
        try:
            response = await cast(AnswerLater, get_response)(request)
        finally:
            end(begun)
        _count(counting, seen, response)
        return response

    return answer_later if iscoroutinefunction(get_response) else answer


class DjangoRequest(WsgiRequest):
    """A Django request, whose META has WSGI's form with every server."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.META)
        self._request = request

    @property
    def path(self) -> str:
        return str(self._request.path)

    @property
    def scheme(self) -> str:
        return self._request.scheme or "http"


def _counting() -> Counting:
    options: dict[str, Any] | None = getattr(settings, "PAGE_TRACKER", None)
    if options is None:
        raise ImproperlyConfigured(
            "PAGE_TRACKER is not set: write, in the settings, PAGE_TRACKER ="
            ' {"server": "https://stats.example.com", "site": "example.org"}'
        )
    try:
        return Counting.of(**options)
    except (TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"PAGE_TRACKER: {error}") from error


def _count(counting: Counting, seen: WsgiRequest, response: HttpResponseBase) -> None:
    content_type = response.headers.get("Content-Type", "")
    counting.answered(seen, response.status_code, content_type)
