"""Which protocol is sent to a path, and what stands in it."""

from __future__ import annotations

import pytest
from flask import Flask

from page_tracker.hits.client_address import Proxies
from page_tracker.hits.hit import Drop, RawHit, Sender
from page_tracker.protocols import PROTOCOLS, goatcounter, protocol_at
from page_tracker.protocols.request import Request
from page_tracker.web.collect_routes import collecting

GOATCOUNTER = goatcounter.PROTOCOL


def _decode(request: Request, sender: Sender) -> list[RawHit]:
    """Of a sender whose path says the site."""
    return [RawHit(site=request.variable, url="/", title=sender.address)]


PIXEL = GOATCOUNTER._replace(decode=_decode)


class _Collector:
    """Keeps what a server without an event loop hands on."""

    def __init__(self) -> None:
        self.raws: list[RawHit] = []

    def collect(self, raws: list[RawHit], _sender: Sender) -> list[Drop]:
        self.raws += raws
        return []


@pytest.mark.parametrize("path", ["/", "/count/", "/count/x", "/pixel", "/pixel/", ""])
def test_other_paths_are_no_protocols(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PROTOCOLS, "/pixel/<variable>", PIXEL)
    assert protocol_at(path) is None


def test_a_path_may_end_with_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROTOCOLS, "/pixel/<variable>", PIXEL)
    assert protocol_at("/count") is GOATCOUNTER
    assert protocol_at("/pixel/example.org") is PIXEL


def test_under_flask_too_a_protocol_sees_its_variable_and_its_sender(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(PROTOCOLS, "/pixel/<variable>", PIXEL)
    collector = _Collector()
    flask = Flask(__name__)
    flask.register_blueprint(
        collecting(lambda: collector, Proxies())  # type: ignore[arg-type,return-value]
    )
    assert flask.test_client().get("/pixel/example.org").status_code == 200
    assert collector.raws == [RawHit(site="example.org", url="/", title="127.0.0.1")]
