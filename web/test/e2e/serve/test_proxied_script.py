"""docs/guides/proxied-script.md: what a site's own proxies hand on, and for whom.

Caddy and nginx run for real. What Next.js hands on is written down here, as its
`next start` (16.4) did it: every header as it came, and one for the host.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from page_tracker.store.counters import Live
from support.guides import SITE, blocks, commands, section
from support.hitting import BROWSER
from support.pace import PACE
from support.processes import Running, command, serving, store_of, wait_until
from support.site_proxies import caddy, nginx

GUIDE = "guides/proxied-script"
SERVER = "http://127.0.0.1:8000"
SCRIPT, EVENT = "/numbers/js/script.js", "/numbers/api/event"
# A visitor, and a cache before the site, such as Cloudflare's.
VISITOR, CACHE = "127.0.0.3", "127.0.0.4"
VIEW = json.dumps({"n": "pageview", "u": f"https://{SITE}/a", "d": SITE})

Proxy = Callable[[Path, str], AbstractContextManager[int]]
PROXIES = [
    pytest.param("Caddy", "caddy", caddy, id="caddy"),
    pytest.param("nginx", "nginx", nginx, id="nginx"),
]


@pytest.fixture(name="data", scope="module")
def a_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("proxied") / "data"


@pytest.fixture(name="server", scope="module")
def a_server_that_trusts_the_proxies(data: Path) -> Iterator[Running]:
    command("site", "add", SITE, "--data", str(data))
    with serving(
        data, "--workers", "1", "--trusted-proxies", f"127.0.0.1,{CACHE}"
    ) as it:
        yield it


def lines_of(heading: str, language: str, server: str) -> str:
    [lines] = blocks(GUIDE, heading, language, server, SITE)
    assert SERVER in lines
    return lines.replace(SERVER, server)


def ask(
    port: int, path: str, source: str, body: str | None = None, **headers: str
) -> tuple[int, str]:
    """The status and the text that are answered to somebody at that address."""
    client = HTTPConnection("127.0.0.1", port, 60 * PACE, source_address=(source, 0))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    method = "GET" if body is None else "POST"
    client.request(method, path, body, {"User-Agent": BROWSER, **named})
    answer = client.getresponse()
    text = answer.read().decode("utf-8")
    client.close()
    return answer.status, text


@pytest.mark.parametrize(("heading", "language", "proxy"), PROXIES)
def test_the_script_and_its_events_are_handed_on_with_the_visitor_and_nothing_else_is(
    server: Running,
    data: Path,
    tmp_path: Path,
    heading: str,
    language: str,
    proxy: Proxy,
) -> None:
    own = ask(urlsplit(server.url).port or 0, "/js/script.js", VISITOR)
    with proxy(tmp_path, lines_of(heading, language, server.url)) as port:
        assert ask(port, SCRIPT, VISITOR) == own and own[0] == 200
        for other in ("/numbers/sites", "/numbers/", "/numbers/api/sites", "/sites"):
            assert ask(port, other, VISITOR) == (404, "the site's own")
        forged = {"X_Forwarded_For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
        seen = ask(port, EVENT, VISITOR, VIEW, **forged, X_Debug_Request="true")
        assert seen == (200, VISITOR)
        with store_of(data) as store:
            before = Live(store).views(SITE, "/a")
            assert ask(port, EVENT, VISITOR, VIEW) == (202, "ok")
            assert Live(store).views(SITE, "/a") == before + 1


def keeping(heading: str, lines: str) -> str:
    """The proxy's lines once it keeps what others tell, by the guide's table."""
    [row] = re.findall(
        rf"^\| {heading} \| (?:`(.+?)`)",
        section(GUIDE, "The visitors' addresses"),
        re.M,
    )
    if heading == "nginx":
        assert "proxy_set_header X-Forwarded-For $remote_addr;" in lines
        return lines.replace("proxy_set_header X-Forwarded-For $remote_addr;", row)
    trusting = row.replace("192.0.2.7", CACHE)
    return re.sub(r"(reverse_proxy .* \{)", rf"\1\n{trusting}", lines)


@pytest.mark.parametrize(("heading", "language", "proxy"), PROXIES)
def test_a_cache_before_the_site_tells_the_visitor_and_nobody_else_can(
    server: Running, tmp_path: Path, heading: str, language: str, proxy: Proxy
) -> None:
    lines = keeping(heading, lines_of(heading, language, server.url))
    # As Cloudflare sends it: what the visitor forged, and then the visitor's address.
    told = {
        "X_Forwarded_For": "203.0.113.9, 198.51.100.7",
        "CF_Connecting_IP": "198.51.100.7",
        "X_Debug_Request": "true",
    }
    with proxy(tmp_path, lines) as port:
        assert ask(port, EVENT, CACHE, VIEW, **told) == (200, "198.51.100.7")
        assert ask(port, EVENT, VISITOR, VIEW, **told) == (200, VISITOR)


@pytest.mark.parametrize(("heading", "language", "proxy"), PROXIES)
def test_the_site_s_cookies_stay_with_the_site(
    tmp_path: Path, heading: str, language: str, proxy: Proxy
) -> None:
    with recording() as (url, recorded):
        with proxy(tmp_path, lines_of(heading, language, url)) as port:
            for path, body in ((SCRIPT, None), (EVENT, VIEW)):
                assert ask(port, path, VISITOR, body, Cookie="session=secret")[0] == 204
    assert len(recorded) == 2
    assert all("cookie" not in headers for headers in recorded)
    assert recorded[1]["x-forwarded-for"] == VISITOR


@contextmanager
def recording() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server that keeps the headers of what it is sent."""
    recorded: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        """Answers 204."""

        def do_GET(self) -> None:  # pylint: disable=invalid-name # http.server names it
            recorded.append({name.lower(): text for name, text in self.headers.items()})
            self.send_response(204)
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:  # pylint: disable=arguments-differ
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", recorded
        finally:
            server.shutdown()
            thread.join()


def test_next_s_rewrites_lead_to_the_script_and_to_its_events(server: Running) -> None:
    [config] = blocks(GUIDE, "Next.js", "js", SERVER, SITE)
    found = re.findall(r'source: "(.+?)", destination: `\$\{server\}(.+?)`', config)
    assert dict(found) == {SCRIPT: "/js/script.js", EVENT: "/api/event"}
    # As a proxy before it told it who asks, with the cookies.
    headers = {"X_Forwarded_For": VISITOR, "X_Forwarded_Host": SITE, "Cookie": "a=1"}
    port = urlsplit(server.url).port or 0
    seen = ask(port, "/api/event", "127.0.0.1", VIEW, **headers, X_Debug_Request="true")
    assert seen == (200, VISITOR)


def test_the_guide_s_commands_tell_whether_it_works(
    server: Running, data: Path
) -> None:
    port = urlsplit(server.url).port or 0
    [tell, live] = commands(GUIDE)
    assert f"https://{SITE}{EVENT}" in tell and "X-Debug-Request: true" in tell
    assert ask(port, "/api/event", VISITOR, VIEW) == (202, "ok")
    wait_until(lambda: "/a" in command(*live.split()[1:], "--data", str(data)))
