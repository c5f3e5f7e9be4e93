"""Proxies of a website, as a guide writes them: Caddy's and nginx's own programs."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.processes import POLL_SECONDS, WAIT_SECONDS, free_port

CADDYFILE = """
{{
    admin off
    auto_https off
}}
http://127.0.0.1:{port} {{
{lines}
    respond "the site's own" 404
}}
"""
NGINX = """
daemon off;
pid {folder}/nginx.pid;
events {{ worker_connections 64; }}
http {{
    client_body_temp_path {folder}; proxy_temp_path {folder};
    fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
    access_log off;
    server {{
        listen 127.0.0.1:{port};
        location / {{ return 404 "the site's own"; }}
{lines}
    }}
}}
"""


@contextmanager
def caddy(folder: Path, lines: str) -> Iterator[int]:
    """Caddy with lines in a site's block; gives its port."""
    port = free_port()
    config = folder / "Caddyfile"
    config.write_text(CADDYFILE.format(port=port, lines=lines))
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(config)]
    with started(command, folder, port):
        yield port


@contextmanager
def nginx(folder: Path, lines: str) -> Iterator[int]:
    """nginx with lines in a site's `server`; gives its port."""
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, lines=lines))
    command = ["/usr/sbin/nginx", "-c", str(config), "-e", str(folder / "nginx.log")]
    with started(command, folder, port):
        yield port


@contextmanager
def started(command: list[str], folder: Path, port: int) -> Iterator[None]:
    """A program that listens at a port, and says what it says in the folder."""
    output = folder / "output"
    with (
        output.open("wb") as file,
        subprocess.Popen(
            command,
            env={"HOME": str(folder), "PATH": "/usr/bin:/bin:/usr/local/bin"},
            stdout=file,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            _wait_for(port, process, output)
            yield
        finally:
            process.terminate()
            process.wait(WAIT_SECONDS)


def _wait_for(port: int, process: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        said = output.read_text("utf-8")
        assert process.poll() is None and time.monotonic() < deadline, said
        time.sleep(POLL_SECONDS)
