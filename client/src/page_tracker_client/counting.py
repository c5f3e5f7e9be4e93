"""What all middleware does: decides, counts, and never disturbs the application."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextvars import ContextVar, Token
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import NotRequired, TypedDict, Unpack

from page_tracker_client.client import Client
from page_tracker_client.event import PAGE_VIEW, Props, Revenue, event_of
from page_tracker_client.page_views import is_page, may_be_page_view
from page_tracker_client.request import Request, referrer_of, url_of, visitor_of

logger = logging.getLogger("page_tracker_client")


class ClientOptions(TypedDict):
    """The options of a client."""

    server: str
    site: str
    capacity: NotRequired[int]
    timeout: NotRequired[float]
    exit_seconds: NotRequired[float]


class Options(ClientOptions):
    """The options of a middleware, as in docs/guides/python.md of Page Tracker."""

    exclude: NotRequired[Iterable[str]]
    hosts: NotRequired[Iterable[str]]


@dataclass(frozen=True, slots=True)
class Counting:
    """The rules of an application, and the client that gets its page views."""

    client: Client
    exclude: tuple[str, ...]
    hosts: frozenset[str]

    @classmethod
    def of(
        cls,
        *,
        exclude: Iterable[str] = (),
        hosts: Iterable[str] = (),
        **client: Unpack[ClientOptions],
    ) -> Counting:
        """Parse options; raises TypeError, ValueError."""
        if isinstance(exclude, str) or isinstance(hosts, str):
            raise TypeError("exclude, hosts: must be lists, like ['/static/*']")
        return cls(
            Client(**client),
            tuple(exclude),
            frozenset(host.lower() for host in hosts),
        )

    def begin(self, request: Request) -> Token[Page | None]:
        """Let `track` find the request, until `end`."""
        return _current.set(Page(self, request))

    def answered(self, request: Request, status: int, content_type: str) -> None:
        """Count a page view, if it is one."""
        _harmless(partial(self._count, request, status, content_type))

    def _count(self, request: Request, status: int, content_type: str) -> None:
        if (
            is_page(request, status, content_type)
            and may_be_page_view(request)
            and self._is_meant(request)
        ):
            Page(self, request).send(PAGE_VIEW)

    def _is_meant(self, request: Request) -> bool:
        if self.hosts:
            host, _, port = request.host.lower().rpartition(":")
            name = host if host and port.isdecimal() else request.host.lower()
            if name not in self.hosts:
                return False
        if not self.exclude:
            return True
        path = request.path
        return not any(fnmatchcase(path, pattern) for pattern in self.exclude)


@dataclass(frozen=True, slots=True)
class Page:
    """A request that is being answered, and how it is counted."""

    counting: Counting
    request: Request

    def send(
        self,
        name: str,
        props: Props | None = None,
        revenue: Revenue | None = None,
        interactive: bool = True,
    ) -> None:
        """Send an event of this page and its visitor."""
        self.counting.client.send(
            event_of(
                name,
                url_of(self.request),
                visitor_of(self.request),
                referrer=referrer_of(self.request),
                props=props,
                revenue=revenue,
                interactive=interactive,
            )
        )


_current: ContextVar[Page | None] = ContextVar("page_tracker_page", default=None)


def end(begun: Token[Page | None]) -> None:
    """The application has answered the request of `begin`."""
    _current.reset(begun)


def track(
    name: str,
    props: Props | None = None,
    revenue: Revenue | None = None,
    *,
    interactive: bool = True,
) -> None:
    """Count an event of the request that is being answered, such as a sign-up.

    Outside a request nothing is counted, and that is logged.
    """
    page = _current.get()
    if page is None:
        logger.warning(
            "the event %r was not counted: there is no request here that a Page Tracker"
            " middleware has seen; call track in a view, or Client.track",
            name,
        )
    else:
        _harmless(partial(page.send, name, props, revenue, interactive))


def _harmless(count: Callable[[], None]) -> None:
    """Call it; a bug of ours, or an odd request, is logged and goes no further."""
    try:
        count()
    except Exception:  # pylint: disable=broad-exception-caught # see above
        logger.exception("a page view or an event could not be counted")
