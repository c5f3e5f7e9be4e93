"""Traces of requests: what a span has, what it has not, and that it is sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import NoReturn

import pytest
from flask import Flask
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from page_tracker.monitoring.tracing import open_tracer_provider
from page_tracker.web.request_spans import trace_requests

PROXY, STRANGER = "127.0.0.1", "198.51.100.77"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SENT = {
    "Traceparent": f"00-{TRACE}-00f067aa0fa902f7-01",
    "User-Agent": "Zq7Marked",
    "X-Forwarded-For": STRANGER,
}


def fail(name: str) -> NoReturn:
    raise ValueError(name)


def flask_of(provider: TracerProvider) -> Flask:
    flask = Flask(__name__)
    flask.add_url_rule("/<name>/page", view_func=lambda name: name, endpoint="page")
    flask.add_url_rule("/<name>/fails", view_func=fail)
    trace_requests(flask, provider, lambda peer: peer == PROXY)
    return flask


@pytest.fixture(name="spans")
def _spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture(name="flask")
def _flask(spans: InMemorySpanExporter) -> Iterator[Flask]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    yield flask_of(provider)
    provider.shutdown()


def span_of(
    flask: Flask, spans: InMemorySpanExporter, path: str, peer: str
) -> ReadableSpan:
    flask.test_client().get(
        f"/marked.example/{path}?q=1",
        headers=SENT,
        environ_overrides={"REMOTE_ADDR": peer},
    )
    (span,) = spans.get_finished_spans()
    return span


def test_a_span_has_the_route_and_the_status_and_nothing_personal(
    flask: Flask, spans: InMemorySpanExporter
) -> None:
    span = span_of(flask, spans, "page", PROXY)

    assert span.name == "GET /<name>/page"
    assert dict(span.attributes or {}) == {
        "http.request.method": "GET",
        "http.route": "/<name>/page",
        "http.response.status_code": 200,
    }
    assert f"{span.context.trace_id:032x}" == TRACE


def test_a_span_of_a_fault_says_so_without_its_message(
    flask: Flask, spans: InMemorySpanExporter
) -> None:
    span = span_of(flask, spans, "fails", PROXY)

    assert not span.status.is_ok and not span.events
    assert "marked" not in span.to_json()


def test_a_trace_that_a_client_makes_up_is_not_followed(
    flask: Flask, spans: InMemorySpanExporter
) -> None:
    span = span_of(flask, spans, "page", STRANGER)

    assert f"{span.context.trace_id:032x}" != TRACE
    assert span.parent is None


def test_spans_are_sent_where_the_variable_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[tuple[str, bytes]] = []

    class Taking(BaseHTTPRequestHandler):
        """What receives OTLP over HTTP."""

        def do_POST(self) -> None:  # pylint: disable=invalid-name # as http.server
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append((self.path, body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:  # pylint: disable=arguments-differ
            """Nothing is said."""

    with HTTPServer(("127.0.0.1", 0), Taking) as server:
        threading.Thread(target=server.handle_request).start()
        where = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", where)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        provider = open_tracer_provider()
        flask_of(provider).test_client().get("/a/page")
        assert provider.force_flush()
        provider.shutdown()

    path, body = taken[0]
    assert path == "/v1/traces"
    assert b"page-tracker" in body and b"GET /<name>/page" in body
