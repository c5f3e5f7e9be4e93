"""The containers' logs on their way to a store: fields, and nothing lost on the way."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from page_tracker.processes.log_lines import Json
from support.documentation import ROOT
from support.processes import WAIT_SECONDS, free_port, wait_until

CONFIGURATION = ROOT / "deploy" / "monitoring" / "syslog-ng.conf"
TAG = "page-tracker/web-service-1"


class Store:
    """What VictoriaLogs would have got, at an address where it may be away."""

    def __init__(self) -> None:
        self.port = free_port()
        self.lines: list[dict[str, str]] = []
        self.types: set[str] = set()

    @contextmanager
    def there(self) -> Iterator[None]:
        class Taking(BaseHTTPRequestHandler):
            """Takes JSON lines."""

            store = self

            def do_POST(self) -> None:  # pylint: disable=invalid-name # as http.server
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.store.types.add(self.headers["Content-Type"])
                self.store.lines += map(json.loads, body.splitlines())
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:  # pylint: disable=arguments-differ
                """Nothing is said."""

        with ThreadingHTTPServer(("127.0.0.1", self.port), Taking) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join()

    @property
    def messages(self) -> list[str]:
        return [line["message"] for line in self.lines]


@contextmanager
def shipping(folder: Path, store: Store) -> Iterator[None]:
    """syslog-ng with our configuration; how far it has read is kept in the folder."""
    config = folder / "syslog-ng.conf"
    text = CONFIGURATION.read_text("utf-8")
    config.write_text(text.replace('"/containers"', f'"{folder / "containers"}"'))
    files = ("-f", config, "-R", folder / "persist", "-p", folder / "pid")
    with subprocess.Popen(
        ["/usr/sbin/syslog-ng", "-F", "--no-caps", *files, "-c", folder / "control"],
        env={**os.environ, "STORE": f"127.0.0.1:{store.port}"},
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield
        finally:
            process.terminate()
            process.wait(WAIT_SECONDS)


def write(folder: Path, line: str, tag: str = TAG) -> None:
    """A line of a container, as Docker writes it to its file."""
    file = folder / "containers" / "4b" / "4b-json.log"
    file.parent.mkdir(parents=True, exist_ok=True)
    written = {
        "log": f"{line}\n",
        "stream": "stderr",
        "attrs": {"tag": tag},
        "time": "2026-11-27T09:14:03.512345678Z",
    }
    with file.open("a") as log:
        log.write(f"{json.dumps(written)}\n")


@pytest.fixture(name="ours")
def _ours() -> str:
    """A line of our own log."""
    message = 'cannot, "as they say", be stored'
    record = logging.LogRecord("a", logging.ERROR, "", 1, message, (), None)
    record.request = "4bf92f35"
    return Json("web").format(record)


def test_lines_reach_the_store_with_their_fields_even_if_it_was_away(
    tmp_path: Path, ours: str
) -> None:
    store = Store()
    write(tmp_path, ours)
    write(tmp_path, "another project's", tag="elsewhere")
    with shipping(tmp_path, store):
        write(tmp_path, "1:M 27 Nov 2026 * Ready to accept connections")
        with store.there():
            wait_until(lambda: len(store.lines) == 2)
    write(tmp_path, "while nothing was read")
    with shipping(tmp_path, store), store.there():
        wait_until(lambda: "while nothing was read" in store.messages)

    assert store.lines[0] == {
        "time": "2026-11-27T09:14:03.512345678Z",
        "container": TAG,
        "level": "error",
        "process": "web",
        "logger": "a",
        "message": 'cannot, "as they say", be stored',
        "request": "4bf92f35",
        "failure": "",
    }
    assert store.messages[1:] == [
        "1:M 27 Nov 2026 * Ready to accept connections",
        "while nothing was read",
    ]
    # With curl's own type VictoriaLogs answers 200, and keeps nothing.
    assert store.types == {"application/stream+json"}
