#!/usr/bin/env python3
"""Which colour gets how much, by HAProxy's runtime API; runs beside HAProxy.

    traffic show              live=…, idle=… and step=…, for a shell
    traffic status            the same for people, with what each colour answered
    traffic note COLOUR STEP  remember which colour is live, and what was done last
    traffic share PERCENT     give so much to the idle colour
    traffic watch SECONDS     take it back, and exit with 1, if it is worse meanwhile
    traffic lead COLOUR       give everything to a colour, and wait for the other one
    traffic ready             exit with 1 unless a request through the proxy is well

Nothing is lost by a switch: the new colour is raised before the old one is lowered,
since between the two there would be an instant without any. The shares are kept in a
file that HAProxy reads when it starts.
"""

import csv
import json
import os
import socket
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

SOCKET = "/tmp/haproxy.sock"  # nosec B108 # the container's
RELEASE = Path("/state/release.json")
SERVERS = Path("/state/servers")
OTHER = {"blue": "green", "green": "blue"}
DRAIN_SECONDS = 30.0
UP_SECONDS = 15.0
READY = "http://127.0.0.1:8000/readyz"
# What a new colour may be worse by before it goes back.
FEWEST_FAILURES = 3
FAILURES_BEYOND = 0.01  # of its requests, and twice the share of the other colour's
FEWEST_TIMED = 50
SLOWER_BY_MS = 20  # and twice the time of the other colour


class TrafficError(Exception):
    """What a person can do something about."""


@dataclass(frozen=True)
class Release:
    """Which colour is live, and what was done last: started, canary, promoted, …"""

    live: str = "blue"
    step: str = "none"

    @property
    def idle(self) -> str:
        return OTHER[self.live]


@dataclass(frozen=True)
class Figures:
    """What one colour has answered; `ms` is the mean of its latest 1024 requests."""

    requests: int
    failed: int
    ms: int
    open: int = 0
    weight: int = 0
    status: str = ""

    def since(self, earlier: "Figures") -> "Figures":
        return Figures(
            self.requests - earlier.requests, self.failed - earlier.failed, self.ms
        )

    def failing(self) -> float:
        return self.failed / self.requests if self.requests else 0.0


def worse(new: Figures, old: Figures) -> str:
    """Why a new colour is worse than the old one, or nothing."""
    allowed = FAILURES_BEYOND + 2 * old.failing()
    if new.failed >= FEWEST_FAILURES and new.failing() > allowed:
        return (
            f"{new.failed} of its {new.requests} requests failed,"
            f" {old.failed} of the other's {old.requests}"
        )
    timed = min(new.requests, old.requests) >= FEWEST_TIMED
    if timed and new.ms > 2 * old.ms + SLOWER_BY_MS:
        return f"it takes {new.ms} ms to answer, the other {old.ms} ms"
    return ""


def weights(release: Release, percent: int) -> list[tuple[str, int]]:
    """The colours with their weights, in the order in which they are to be set."""
    both = [(release.idle, percent), (release.live, 100 - percent)]
    return sorted(both, key=lambda each: -each[1])


def ask(*commands: str) -> str:
    """What HAProxy answers. Raises TrafficError."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(SOCKET)
            connection.sendall(";".join(commands).encode() + b"\n")
            return b"".join(iter(partial(connection.recv, 65536), b"")).decode()
    except OSError as error:
        raise TrafficError(f"HAProxy does not answer: {error}") from error


def rows() -> dict[str, dict[str, str]]:
    """What HAProxy has counted for each of its servers, and for all as `BACKEND`."""
    found = csv.DictReader(ask("show stat").removeprefix("# ").splitlines())
    return {row["svname"]: row for row in found if row["pxname"] == "web"}


def statistics() -> dict[str, Figures]:
    """Each colour's figures, as the proxy counts them."""
    counted = rows()
    return {colour: _figures_of(counted, colour) for colour in OTHER}


def unanswered() -> int:
    """How many requests the proxy itself has answered, by 502, 503 or 504."""
    failed = {name: int(row["hrsp_5xx"]) for name, row in rows().items()}
    return 2 * failed["BACKEND"] - sum(failed.values())


def _figures_of(counted: dict[str, dict[str, str]], colour: str) -> Figures:
    own = counted[colour], counted[f"{colour}-standby"]

    def total(*names: str) -> int:
        return sum(int(row[name] or 0) for row in own for name in names)

    broken = total("econ", "eresp")
    answered = total(*(f"hrsp_{each}" for each in ("1xx", "2xx", "3xx", "4xx", "5xx")))
    return Figures(
        requests=answered + broken,
        failed=total("hrsp_5xx") + broken,
        ms=int(own[0]["rtime"] or 0),
        open=total("scur"),
        weight=int(own[0]["weight"]),
        status=own[0]["status"],
    )


def remembered() -> Release:
    """Which colour is live, as it was noted last; blue before anything was noted."""
    if not RELEASE.exists():
        return Release()
    return Release(**json.loads(RELEASE.read_text("utf-8")))


def replace(path: Path, text: str) -> None:
    """Write a file as a whole, on disk."""
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def set_share(release: Release, percent: int) -> None:
    """Give so many of a hundred requests to the idle colour. Raises TrafficError."""

    def is_up() -> bool:
        return statistics()[release.idle].status.startswith("UP")

    if percent and not within(UP_SECONDS, is_up):
        raise TrafficError(f"{release.idle} does not answer: start it first")
    wanted = weights(release, percent)
    said = ask(*(f"set server web/{name} weight {weight}" for name, weight in wanted))
    found = statistics()
    if said.strip() or any(found[name].weight != weight for name, weight in wanted):
        raise TrafficError(
            f"HAProxy does not take the weights {wanted}: {said.strip()}"
        )
    replace(SERVERS, ask("show servers state"))


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether it holds before so much time is over."""
    end = time.monotonic() + seconds
    while not (holds := condition()) and time.monotonic() < end:
        time.sleep(0.1)
    return holds


def show() -> None:
    release = remembered()
    print(f"live={release.live}\nidle={release.idle}\nstep={release.step}")


def status() -> None:
    release = remembered()
    print(f"{release.live} is live; last step: {release.step}")
    for name, each in statistics().items():
        print(
            f"{name:<6} {each.weight:>3} %  {each.status:<20}"
            f" {each.requests:>9} requests {each.failed:>6} failed {each.ms:>5} ms"
        )
    print(f"{unanswered()} requests were answered by neither")


def note(colour: str, step: str) -> None:
    replace(RELEASE, json.dumps(asdict(Release(colour, step))))


def share(percent: str) -> None:
    set_share(remembered(), int(percent))


def watch(seconds: str) -> None:
    """Raises TrafficError once the idle colour is worse; then it has no share more."""
    release, before = remembered(), statistics()
    end = time.monotonic() + float(seconds)
    while True:
        now = {name: each.since(before[name]) for name, each in statistics().items()}
        new, old = now[release.idle], now[release.live]
        if why := worse(new, old):
            set_share(release, 0)
            raise TrafficError(f"{release.idle} is worse: {why}")
        if time.monotonic() > end:
            break
        time.sleep(1)
    print(
        f"{release.idle}: {new.failed} of {new.requests} requests failed, {new.ms} ms"
    )
    print(
        f"{release.live}: {old.failed} of {old.requests} requests failed, {old.ms} ms"
    )


def lead(colour: str) -> None:
    set_share(Release(OTHER[colour]), 100)
    within(DRAIN_SECONDS, lambda: not statistics()[OTHER[colour]].open)


def ready() -> None:
    try:
        # It is the proxy's own address.
        with urllib.request.urlopen(READY, timeout=UP_SECONDS) as answer:  # nosec B310
            print(answer.read().decode().strip())
    except OSError as error:
        raise TrafficError(f"{READY} does not answer 200: {error}") from error


COMMANDS: dict[str, Callable[..., None]] = {
    each.__name__: each for each in (show, status, note, share, watch, lead, ready)
}


def main() -> None:
    try:
        COMMANDS[sys.argv[1]](*sys.argv[2:])
    except TrafficError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
