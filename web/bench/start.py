"""How long it takes to start, beside another build: ratios of rounds in turn.

    python bench/start.py [--before d2f35cf] [--rounds 7]

`serve` from an installed state (a data folder with a site and an account) to its first
counted hit, and commands to their end: the processor time of all their processes, and
the time by the clock. Where a machine does other work, only processor time means much.
"""

from __future__ import annotations

import argparse
import json
import resource
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from build_before import Environment, builds

SITE = "example.com"
PROGRAM = [sys.executable, "-m", "page_tracker"]
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PAUSE = 0.005  # seconds

# Seconds of processor time, seconds by the clock.
Taken = tuple[float, float]


def main() -> None:
    options = _options()
    with (
        builds(options.before) as environments,
        TemporaryDirectory(prefix="page-tracker-start-") as folder,
    ):
        compare = partial(_compare, environments, options.rounds)
        data = f"{folder}/data"
        _run(environments["before"], "site", "add", SITE, "--data", data)
        account = ("account", "add", "ada", "--role", "owner", "--all-sites")
        _run(environments["before"], *account, "--data", data)
        compare("--help", lambda each: _run(each, "--help"))
        compare("serve, to its first hit", partial(_serve, data))
        with _serving(environments["now"], data):
            compare("query", lambda each: _run(each, "query", SITE, "--data", data))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--before", default="d2f35cf", help="a commit")
    parser.add_argument("--rounds", type=int, default=7)
    return parser.parse_args()


def _compare(
    environments: Mapping[str, Environment],
    rounds: int,
    name: str,
    work: Callable[[Environment], Taken],
) -> None:
    """Print what the work takes in both builds, in turn: medians and their ratios."""
    taken: dict[str, list[Taken]] = {build: [] for build in environments}
    for number in range(rounds + 1):
        for build, environment in environments.items():
            took = work(environment)
            if number:  # the first time files are read
                taken[build].append(took)
    before, now = (
        [statistics.median(each) for each in zip(*taken[build], strict=True)]
        for build in ("before", "now")
    )
    print(
        f"{name}: {now[0]:.2f} s of processor time, {now[0] / before[0]:.2f} of the"
        f" build before ({before[0]:.2f} s); by the clock {now[1]:.2f} s,"
        f" {now[1] / before[1]:.2f} of it ({before[1]:.2f} s)",
        flush=True,
    )


def _run(environment: Environment, *words: str) -> Taken:
    """A command, to its end."""
    began, used = time.monotonic(), _used_by_ended()
    subprocess.run(
        [*PROGRAM, *words], env=environment, check=True, stdout=subprocess.DEVNULL
    )
    return _used_by_ended() - used, time.monotonic() - began


def _serve(data: str, environment: Environment) -> Taken:
    """`serve`, until it has answered a hit; what its processes used until then."""
    began = time.monotonic()
    with _serving(environment, data) as server:
        clock = time.monotonic() - began
        root = psutil.Process(server.pid)
        processes = (root, *root.children(recursive=True))
        return sum(_used_by(each.pid) for each in processes), clock


@contextmanager
def _serving(
    environment: Environment, data: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """A server that has counted its first hit."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*PROGRAM, "serve", "--port", str(port), "--data", data]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as server:
        try:
            while not _is_counted(f"http://127.0.0.1:{port}/api/event"):
                assert server.poll() is None, "it ended"
                time.sleep(PAUSE)
            yield server
        finally:
            server.terminate()
            server.communicate()


def _is_counted(address: str) -> bool:
    """Send a hit; False as long as nothing listens there."""
    event = {"name": "pageview", "url": f"https://{SITE}/", "domain": SITE}
    headers = {"User-Agent": AGENT}
    body = json.dumps(event).encode()
    try:
        sent = urllib.request.Request(address, body, headers)
        with urllib.request.urlopen(sent, timeout=60) as answer:
            return bool(answer.status == 202)
    except ConnectionError:
        return False
    except urllib.error.URLError as error:
        if isinstance(error.reason, ConnectionError):
            return False
        raise


def _used_by(pid: int) -> float:
    """Seconds of processor time of a process's threads, as the scheduler counts them:
    `/proc/PID/stat` has hundredths, which a start of six processes is too short for."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(each.read_text().split()[0]) for each in threads) / 1e9


def _used_by_ended() -> float:
    """Seconds of processor time of all processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
