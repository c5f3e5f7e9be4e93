"""The proxies that the documentation configures never send a request a second time.

`GET /count` has no id by which a second one would be known: it would count twice.
"""

import re
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from textwrap import dedent

import pytest

from support.documentation import ROOT, page
from support.pace import ANSWER_SECONDS
from support.processes import free_port
from support.site_proxies import started

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
CADDY = "{{\n admin off\n auto_https off\n}}\nhttp://127.0.0.1:{port} {{{site}"
NGINX = """daemon off;
pid {folder}/nginx.pid;
events {{ worker_connections 64; }}
http {{
    client_body_temp_path {folder}; proxy_temp_path {folder};
    fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
    access_log off;
{lines}
}}
"""


@dataclass
class Backend:
    """Servers that take a hit, and close the connection without an answer."""

    ports: list[int] = field(default_factory=list)
    taken: Counter[str] = field(default_factory=Counter)

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(connection,)).start()

    def answer(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            for line in lines:
                if not (request := re.match(rb"(\w+ \S+) HTTP/1", line)):
                    continue
                while lines.readline().strip():
                    pass
                self.taken[request[1].decode()] += 1
                if b"/count" in line:
                    return
                connection.sendall(ANSWER)


@pytest.fixture(name="backend")
def three_backends() -> Iterator[Backend]:
    backend = Backend()
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    threads = [
        threading.Thread(target=backend.serve, args=(each,)) for each in listeners
    ]
    backend.ports = [each.getsockname()[1] for each in listeners]
    for thread in threads:
        thread.start()
    yield backend
    for each in listeners:
        each.shutdown(socket.SHUT_RDWR)
        each.close()
    for thread in threads:
        thread.join()


def of_compose(heading: str) -> str:
    """A configuration for several containers, without its indentation."""
    text = page("start/compose").partition(f"### {heading}\n\n")[2]
    [block] = re.findall(r"\A((?:    .*\n|\n)+)", text)
    return dedent(block)


def of_deploy(name: str) -> str:
    return (ROOT / "deploy" / name).read_text("utf-8")


@contextmanager
def caddy(folder: Path, text: str) -> Iterator[int]:
    """Caddy with a site as it is written, over http; gives its port."""
    port, config = free_port(), folder / "Caddyfile"
    site = text.partition("stats.example.com {")[2]
    config.write_text(CADDY.format(port=port, site=site), "utf-8")
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(config)]
    with started(command, folder, port):
        yield port


@contextmanager
def nginx(folder: Path, text: str) -> Iterator[int]:
    """nginx with its last server as it is written, over http; gives its port."""
    port, config = free_port(), folder / "nginx.conf"
    first = re.sub(
        r"server \{\n    listen 80;\n.*?^\}\n\nserver",
        "server",
        text,
        flags=re.M | re.S,
    )
    plain = re.sub(r"^ *(listen \[::\]|ssl_certificate).*\n", "", first, flags=re.M)
    lines = re.sub(r"listen .*;", f"listen 127.0.0.1:{port};", plain)
    config.write_text(NGINX.format(folder=folder, lines=lines), "utf-8")
    command = ["/usr/sbin/nginx", "-c", str(config), "-e", str(folder / "nginx.log")]
    with started(command, folder, port):
        yield port


def sent(port: int) -> None:
    """Ask for a page, which leaves a connection open, then count a hit."""
    for path in ("/first", "/count?p=/a"):
        client = HTTPConnection("127.0.0.1", port, ANSWER_SECONDS)
        client.request("GET", path)
        client.getresponse().read()
        client.close()


CONFIGURATIONS = {
    "deploy/nginx.conf": (nginx, of_deploy("nginx.conf")),
    "deploy/Caddyfile": (caddy, of_deploy("Caddyfile")),
    "nginx before three": (nginx, of_compose("nginx")),
    "Caddy before three": (caddy, of_compose("Caddy")),
}
# What these configurations say so that nothing is sent twice.
GUARDS = {"nginx before three": "proxy_next_upstream", "deploy/Caddyfile": "keepalive"}


def counted(name: str, backend: Backend, folder: Path, without: str = " ") -> int:
    """How often a hit arrives, with a configuration but for the lines without this."""
    proxy, text = CONFIGURATIONS[name]
    ports = iter(backend.ports)
    text = re.sub(r"127\.0\.0\.1:800\d", lambda _: f"127.0.0.1:{next(ports)}", text)
    kept = [each for each in text.split("\n") if not each.strip().startswith(without)]
    with proxy(folder, "\n".join(kept)) as port:
        sent(port)
    return backend.taken["GET /count?p=/a"]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_hit_that_gets_no_answer_is_not_sent_again(
    name: str, backend: Backend, tmp_path: Path
) -> None:
    assert counted(name, backend, tmp_path) == 1


@pytest.mark.parametrize("name", GUARDS)
def test_without_what_the_configuration_says_it_would_be(
    name: str, backend: Backend, tmp_path: Path
) -> None:
    assert counted(name, backend, tmp_path, without=GUARDS[name]) > 1


def test_the_proxy_of_two_colours_sends_on_what_was_refused_alone() -> None:
    """test/pipeline/test_release.py runs it, and counts."""
    lines = (ROOT / "deploy" / "proxy" / "haproxy.cfg").read_text("utf-8").split("\n")
    said = [each.strip() for each in lines if not each.strip().startswith("#")]

    assert "option redispatch 1" in said
    assert not [each for each in said if re.match(r"retry-on|cookie", each)]
