#!/bin/sh
# umami-analytics 1.0.0 (Umami's client for Python) sends `Authorization: Bearer None`
# with every view and event of a program that has not signed in, which none needs to for
# sending. A server that refuses a token it does not know would lose all of them. So a
# token counts as shown only if it has the form of ours.
#
# Seen: Authorization: Bearer None
# Fails where that has changed.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  umami-analytics==1.0.0

"$folder/venv/bin/python" - <<'PYTHON'
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import umami

shown: list[str | None] = []


class Server(BaseHTTPRequestHandler):
    """Answers as Umami does, and notes what it is shown."""

    def do_POST(self) -> None:
        shown.append(self.headers["Authorization"])
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


with HTTPServer(("127.0.0.1", 0), Server) as server:
    Thread(target=server.handle_request).start()
    umami.set_url_base(f"http://127.0.0.1:{server.server_port}")
    umami.set_website_id("5f7f4b0c-6a3f-4d0c-8d38-0f9f5b0f3a11")
    umami.set_hostname("example.org")
    umami.new_page_view("Title", url="/")

assert shown == ["Bearer None"], shown
print("umami-analytics 1.0.0 shows the token None where it has none")
PYTHON
