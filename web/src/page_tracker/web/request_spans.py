"""A span for each request that Flask answers; hits have none.

Names and attributes are those of https://opentelemetry.io/docs/specs/semconv/http/,
without the ones that are personal: no address, no browser, no path, only its route.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, g, request
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from page_tracker.request_id import CURRENT

_SPAN = "request_span"
_propagator = TraceContextTextMapPropagator()


def trace_requests(
    flask: Flask, provider: TracerProvider, is_trusted: Callable[[str], bool]
) -> None:
    """Have requests traced; `is_trusted` says whose `traceparent` is followed."""
    tracer = provider.get_tracer("page_tracker")

    @flask.before_request
    def begin() -> None:
        route = request.url_rule.rule if request.url_rule else ""
        parent = Context()
        if is_trusted(request.remote_addr or ""):
            sent = {name.lower(): text for name, text in request.headers}
            parent = _propagator.extract(sent, parent)
        span = tracer.start_span(
            f"{request.method} {route}".strip(), parent, SpanKind.SERVER
        )
        span.set_attribute("http.request.method", request.method)
        span.set_attribute("http.route", route)
        if name := CURRENT.get():
            span.set_attribute("page_tracker.request", name)
        setattr(g, _SPAN, span)

    @flask.after_request
    def note(response: Response) -> Response:
        if span := g.get(_SPAN):
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= 500:
                span.set_status(Status(StatusCode.ERROR))
        return response

    @flask.teardown_request
    def end(_failure: BaseException | None) -> None:
        if span := g.pop(_SPAN, None):
            span.end()
