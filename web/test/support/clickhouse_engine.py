"""ClickHouse's own engine (chdb), answering by HTTP as its server does.

The server is published for no package registry; its engine is. What this adds is the
protocol, as clickhouse-connect speaks it: a statement with its settings and parameters
comes, and the engine's bytes or its error go. No answer is made up here.

    python clickhouse_engine.py FOLDER USER PASSWORD    prints the port it listens at
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import sys
from base64 import b64decode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from werkzeug.formparser import parse_form_data

_CODE = re.compile(r"Code: (\d+)")
_KILL = re.compile(r"(?i)KILL QUERY WHERE query_id = '([^']*)'")
# What belongs to the transport, and is no setting of the engine.
_OF_HTTP = frozenset(
    {"query", "database", "query_id", "enable_http_compression", "default_format"}
    | {"client_protocol_version", "wait_end_of_query", "compress"}
    | {"cancel_http_readonly_queries_on_client_close"}
    | {"http_headers_progress_interval_ms", "send_progress_in_http_headers"}
)


def load_engine() -> Any:
    """chdb's engine alone: the package around it asks for pandas."""
    spec = importlib.util.find_spec("chdb")
    assert spec and spec.origin
    path = Path(spec.origin).with_name("_chdb.abi3.so")
    before = Path.cwd()
    os.chdir(path.parent)  # it looks for its stubs there
    ctypes.CDLL(str(path), mode=os.RTLD_NOW | os.RTLD_DEEPBIND)
    found = importlib.util.spec_from_file_location("_chdb", path)
    assert found and found.loader
    engine = importlib.util.module_from_spec(found)
    found.loader.exec_module(engine)
    os.chdir(before)
    return engine


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    engine: Any
    folder: str
    sign_in: str

    def do_POST(self) -> None:  # pylint: disable=invalid-name
        asked = self._asked()
        if self._signed_in() != self.sign_in:
            name = self.sign_in.partition(":")[0]
            self._refuse(
                f"Code: 516. DB::Exception: {name}: Authentication failed: password is"
                " incorrect, or there is no user with such name."
                " (AUTHENTICATION_FAILED)"
            )
            return
        try:
            found = self._answer(asked)
        except RuntimeError as error:
            self._refuse(str(error))
        else:
            self._send(200, found, {"X-ClickHouse-Format": "Native"})

    do_GET = do_POST

    def _answer(self, asked: dict[str, str]) -> bytes:
        named = asked.get("query_id", "")
        sql = _KILL.sub(
            r"KILL QUERY WHERE startsWith(query, '/* \1 */')", asked["query"]
        )
        values = {
            name.removeprefix("param_"): value
            for name, value in asked.items()
            if name.startswith("param_")
        }
        connection = self.engine.connect(self.folder)
        try:
            settings = {
                name: value.replace("'", "\\'")
                for name, value in asked.items()
                if name not in _OF_HTTP and not name.startswith("param_")
            }
            told = ", ".join(f"{name} = '{value}'" for name, value in settings.items())
            if told:
                connection.query(f"SET {told}", "Null")
            if asked.get("database"):
                connection.query(f"USE `{asked['database']}`", "Null")
            form = asked.get("default_format", "TabSeparated")
            found = connection.query(f"/* {named} */ {sql}", form, params=values)
            return bytes(found.bytes())
        finally:
            connection.close()

    def _asked(self) -> dict[str, str]:
        """The statement (`query`), its settings and its parameters."""
        asked = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = self.headers.get("Content-Type", "")
        if kind.startswith("multipart/form-data"):
            environment = {
                "REQUEST_METHOD": "POST",
                "CONTENT_TYPE": kind,
                "CONTENT_LENGTH": str(len(body)),
                "wsgi.input": BytesIO(body),
            }
            return asked | dict(parse_form_data(environment)[1].items())
        return asked | {"query": asked.get("query", "") + body.decode()}

    def _signed_in(self) -> str:
        given = self.headers.get("Authorization", "").removeprefix("Basic ")
        return b64decode(given).decode()

    def _refuse(self, why: str) -> None:
        code = _CODE.search(why)
        status = {"516": 403, "497": 403}.get(code[1] if code else "", 500)
        self._send(
            status,
            why.encode(),
            {"X-ClickHouse-Exception-Code": code[1] if code else ""},
        )

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:  # pylint: disable=arguments-differ
        pass


def main() -> None:
    _Handler.engine = load_engine()
    _Handler.folder = sys.argv[1]
    _Handler.sign_in = ":".join(sys.argv[2:])
    os.chdir("/")  # below it lie the files that it lets be read
    # It keeps what was opened with the first connection as long as that is there.
    first = _Handler.engine.connect(_Handler.folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    print(server.server_port, flush=True)
    with server:
        server.serve_forever()
    first.close()


if __name__ == "__main__":
    main()
