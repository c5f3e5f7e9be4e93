"""Prometheus and Alertmanager over a server, with our rules; their waits are short."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
import yaml

from support.containers import Stack, docker
from support.documentation import ROOT
from support.pace import ANSWER_SECONDS
from support.processes import free_port
from support.site_proxies import started

CONFIGURATION = ROOT / "deploy" / "monitoring"
EVERY = "2s"
QUICK = {"scrape_interval": EVERY, "evaluation_interval": EVERY}
# Longer than the rules that are raised by one fault are apart.
GATHERED = "6s"
DURATION = re.compile(r"\b(\d+)([mh])\b")
SECONDS = {"m": 2, "h": 10}


@dataclass(frozen=True)
class Prometheus:
    """One that runs, at its address."""

    url: str

    def answers(self, query: str) -> list[Any]:
        """The series that it answers now; none while it starts."""
        try:
            answer = requests.get(
                f"{self.url}/api/v1/query",
                params={"query": query},
                timeout=ANSWER_SECONDS,
            )
        except requests.ConnectionError:
            return []
        found: list[Any] = answer.json()["data"]["result"] if answer.ok else []
        return found


class Called:
    """Who is called: the names of the alerts that were sent, each once."""

    def __init__(self, prometheus: Prometheus) -> None:
        self.names: list[str] = []
        self.prometheus = prometheus

    def note(self, sent: dict[str, Any]) -> None:
        for alert in sent["alerts"]:
            name = alert["labels"]["alertname"]
            if alert["status"] == "firing" and name not in self.names:
                self.names.append(name)


@contextmanager
def watching_containers(stack: Stack, folder: Path, image: str) -> Iterator[Prometheus]:
    """The machine's Prometheus in the containers' network, to find them by their names.

    `image` has what the program needs: a C library.
    """
    known = _read("prometheus.yml") | {"global": QUICK}
    del known["alerting"]
    for job in known["scrape_configs"]:
        job["dns_sd_configs"][0]["refresh_interval"] = EVERY
    _write(folder / "prometheus.yml", known)
    _write(folder / "rules.yml", quickened(_read("rules.yml")))
    folder.chmod(0o755)  # it runs as somebody else
    container = docker(
        *("run", "--detach", "--rm", "--network", f"{stack.name}_backend-network"),
        *("--volume", f"{shutil.which('prometheus')}:/usr/local/bin/prometheus:ro"),
        *("--volume", f"{folder}:/etc/prometheus:ro", "--publish", "127.0.0.1::9090"),
        *("--entrypoint", "prometheus", image, "--storage.tsdb.path=/tmp/p"),
        "--config.file=/etc/prometheus/prometheus.yml",
    ).stdout.strip()
    try:
        address = docker("port", container, "9090/tcp").stdout.strip()
        yield Prometheus(f"http://{address}")
    finally:
        docker("rm", "--force", container)


@contextmanager
def watched(metrics: str, folder: Path) -> Iterator[Called]:
    """Both programs, watching the address of metrics."""
    alerts, asks = free_port(), free_port()
    called = Called(Prometheus(f"http://127.0.0.1:{asks}"))
    with _answering(called) as url:
        _write(folder / "rules.yml", quickened(_read("rules.yml")))
        _write(folder / "alertmanager.yml", _calling(_read("alertmanager.yml"), url))
        scraped = _scraping(_read("prometheus.yml"), metrics, alerts)
        _write(folder / "prometheus.yml", scraped)
        alone = "--cluster.listen-address="
        kept = (
            f"--storage.path={folder / 'alerts'}",
            f"--storage.tsdb.path={folder / 'p'}",
        )
        with (
            _running(
                "prometheus-alertmanager",
                "alertmanager",
                alerts,
                folder,
                alone,
                kept[0],
            ),
            _running("prometheus", "prometheus", asks, folder, kept[1]),
        ):
            yield called


def _running(
    program: str, name: str, port: int, folder: Path, *options: str
) -> AbstractContextManager[None]:
    """One of the programs, with the file of its name as its configuration."""
    place = folder / name
    place.mkdir()
    config = f"--config.file={folder / name}.yml"
    address = f"--web.listen-address=127.0.0.1:{port}"
    return started([program, config, address, *options], place, port)


def quickened(rules: dict[str, Any]) -> dict[str, Any]:
    """The rules with a minute as 2 seconds, an hour as 10, and a day as 240."""
    for group in rules["groups"]:
        for rule in group["rules"]:
            for part in {"for", "expr"} & rule.keys():
                quick = DURATION.sub(_quick, rule[part])
                rule[part] = quick.replace("86400", str(24 * SECONDS["h"]))
    return rules


def _quick(duration: re.Match[str]) -> str:
    return f"{int(duration[1]) * SECONDS[duration[2]]}s"


def _calling(known: dict[str, Any], url: str) -> dict[str, Any]:
    known["route"] |= {"group_wait": GATHERED, "group_interval": GATHERED}
    known["receivers"][0]["webhook_configs"] = [{"url": url}]
    return known


def _scraping(known: dict[str, Any], metrics: str, port: int) -> dict[str, Any]:
    known["global"] = QUICK
    job = known["scrape_configs"][0]
    known["scrape_configs"] = [
        {"job_name": job["job_name"], "static_configs": [{"targets": [metrics]}]}
    ]
    (alertmanagers,) = known["alerting"]["alertmanagers"]
    alertmanagers["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
    return known


@contextmanager
def _answering(called: Called) -> Iterator[str]:
    class Webhook(BaseHTTPRequestHandler):
        """What Alertmanager sends alerts to."""

        def do_POST(self) -> None:  # pylint: disable=invalid-name # as http.server
            length = int(self.headers["Content-Length"])
            called.note(json.loads(self.rfile.read(length)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:  # pylint: disable=arguments-differ
            """Nothing is said."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Webhook) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def _read(name: str) -> Any:
    return yaml.safe_load((CONFIGURATION / name).read_text("utf-8"))


def _write(file: Path, content: Any) -> None:
    file.write_text(yaml.safe_dump(content), "utf-8")
