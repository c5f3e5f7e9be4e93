"""How many hits a second are accepted, beside what nginx answers to the same load.

    python bench/accept.py [--rounds 5] [--seconds 5] [--connections 128]

Needs nginx and wrk (Debian: apt-get install nginx-light wrk). Starts nginx, which
answers 204, and `page-tracker serve` with two workers, whose store syncs its disk at
every batch and whose writer drains into the lake; loads both in turn by load.lua, all
on this machine, and prints the ratio of their medians. Then it loads the server with
half of what it took, and prints how long answers take.
"""

import argparse
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
SITE = "example.org"
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}

NGINX = """
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}; proxy_temp_path {folder};
    fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{ listen 127.0.0.1:{port}; location / {{ return 204; }} }}
}}
"""


def main() -> None:
    options = _options()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        nginx = stack.enter_context(_nginx(folder))
        server = stack.enter_context(tracker(folder, clean_environment()))
        load_ = partial(load, options.connections, options.seconds)
        load_("plausible", server.url)  # caches fill
        rates: dict[str, list[float]] = {"nginx": [], "plausible": []}
        for number in range(options.rounds):
            for mode, url in (("nginx", nginx), ("plausible", server.url)):
                said = load_(mode, url)
                rates[mode].append(_rate(said))
            ratio = rates["plausible"][-1] / rates["nginx"][-1]
            print(
                f"round {number + 1}: nginx {rates['nginx'][-1]:,.0f}/s, "
                f"accepted {rates['plausible'][-1]:,.0f}/s, ratio {ratio:.3f}",
                flush=True,
            )
        taken = statistics.median(rates["plausible"])
        nginx_takes = statistics.median(rates["nginx"])
        print(
            f"accepted, median: {taken:,.0f} hits/s, nginx {nginx_takes:,.0f};"
            f" of nginx's 204: {taken / nginx_takes:.3f}"
        )
        pace = options.connections / (taken / 2) * 1000
        said = load_("plausible", server.url, pace=pace)
        print(f"at {_rate(said):,.0f} hits/s: p99 {_p99(said):.1f} ms")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="of each load")
    parser.add_argument("--connections", type=int, default=128)
    for program in ("nginx", "wrk"):
        if not shutil.which(program):
            parser.error(f"{program} is not installed")
    return parser.parse_args()


@contextmanager
def _nginx(folder: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port))
    with subprocess.Popen(["nginx", "-c", config, "-e", folder / "nginx.log"]) as nginx:
        try:
            _wait_for_port(port, nginx)
            yield f"http://127.0.0.1:{port}"
        finally:
            nginx.terminate()


class Server(NamedTuple):
    """`page-tracker serve`: its address, and the number of its process."""

    url: str
    pid: int


@contextmanager
def tracker(folder: Path, environment: Mapping[str, str]) -> Iterator[Server]:
    """The server with its store, its lake and one site."""
    data = folder / "data"
    said = folder / "serve.log"
    command = [BIN / "page-tracker", "serve", "--port", "0", "--workers", "2"]
    command += ["--data", data, "--trusted-proxies", "127.0.0.0/8"]
    with (
        said.open("wb") as output,
        subprocess.Popen(
            command, env=environment, stdout=output, stderr=output
        ) as server,
    ):
        try:
            while not (found := re.search(r"counts at (\S+)", said.read_text())):
                assert server.poll() is None, said.read_text()
                time.sleep(0.1)
            add = [BIN / "page-tracker", "site", "add", SITE, "--data", data]
            subprocess.run(add, env=environment, check=True, stdout=subprocess.DEVNULL)
            yield Server(found[1], server.pid)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()
            errors = said.read_text().splitlines()[3:]
            print("\n".join(errors[:20]), end="\n" * bool(errors))


def clean_environment() -> dict[str, str]:
    """What surrounds this process, without settings of Page Tracker's."""
    return {
        name: text
        for name, text in os.environ.items()
        if name != "REDIS_URL" and not name.startswith("PAGE_TRACKER_")
    }


def load(connections: int, seconds: int, mode: str, url: str, pace: float = 0) -> str:
    """What wrk says after its load; raises where a request was refused."""
    script = "paced.lua" if pace else "load.lua"
    ended = subprocess.run(
        ["wrk", "-t2", f"-c{connections}", f"-d{seconds}", "--latency"]
        + ["-s", str(HERE / script), url],
        env=os.environ
        | {
            "MODE": mode,
            "SITE": SITE,
            "PACE": str(pace),
            "LOAD": str(HERE / "load.lua"),
        },
        check=True,
        capture_output=True,
        text=True,
    )
    assert "Non-2xx" not in ended.stdout, ended.stdout
    return ended.stdout


def _rate(said: str) -> float:
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert found, said
    return float(found[1])


def _p99(said: str) -> float:
    """Milliseconds."""
    found = re.search(r"99%\s+([\d.]+)(us|ms|s|m)\b", said)
    assert found, said
    return float(found[1]) * UNITS[found[2]]


def _wait_for_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert process.poll() is None, "nginx did not start"
            time.sleep(0.05)


if __name__ == "__main__":
    main()
