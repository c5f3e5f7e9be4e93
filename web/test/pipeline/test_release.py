"""Versions follow each other on a server that is in use: scripts/release, for real."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from support import dashboard
from support.hitting import SITE, Sender, asking, hitting
from support.pace import PACE
from support.processes import clean_environment, wait_until
from support.releases import RELEASE, VERSIONS, Server
from support.watching import watching_containers
from support.whole_machine import whole_machine


@pytest.fixture(scope="module", name="server")
def run_first_version(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one site, and images of several versions."""
    server = Server(*VERSIONS)
    with whole_machine(tmp_path_factory):
        try:
            server.build()
            server.must_release("start", server.images["sound"])
            server.page_tracker("site", "add", SITE)
            yield server
        finally:
            server.remove()


def known(server: Server) -> set[str]:
    return set(server.all_in_lake("path", SITE))


@pytest.mark.timeout(3600)  # twenty of them
def test_releases_in_a_row_fail_lose_and_double_nothing(
    server: Server, request: pytest.FixtureRequest
) -> None:
    """Senders on kept and on new connections notice none of them."""
    releases, load = (20, 500) if request.config.getoption("--long") else (2, 150)
    before, live, unanswered = known(server), server.live(), server.unanswered()
    began = time.monotonic()

    with (
        hitting(server.address(), 6, brief=6, each_second=load) as sent,
        asking(f"{server.address()}/js/script.js") as statuses,
    ):
        for number in range(releases):
            image = server.images["next" if number % 2 else "sound"]
            server.must_release("start", image)
            server.must_release("canary", "20", "1")
            server.must_release("promote")

    seconds = time.monotonic() - began
    print(f"{releases} releases, {seconds:.0f} s, {sum(sent.statuses.values())} hits:")
    print(f"{dict(sent.statuses)}; other requests: {dict(statuses)}")
    assert len(sent.acknowledged) > 100 * releases
    assert set(statuses) == {200}
    # 503 is what a colour itself says where a busy disk keeps Redis from its answer.
    assert set(sent.statuses) <= {202, 503}, sent.statuses
    assert server.unanswered() == unanswered
    stored = server.all_in_lake("path", SITE)
    sent.must_be_stored_once([path for path in stored if path not in before])
    assert (server.live() != live) == bool(releases % 2)
    assert sorted(server.weights().values()) == [0, 100]


def test_a_version_that_fails_on_one_path_goes_back_by_itself(server: Server) -> None:
    """Only its share of that path's requests fails, and it is stopped."""
    live = server.live()
    server.must_release("start", server.images["failing"])

    with asking(f"{server.address()}/js/script.js") as statuses:
        ended = server.release("canary", "20", "60")

    assert ended.returncode == 1
    assert f"went back to {live}" in ended.stdout
    assert re.search(r"is worse: \d+ of its \d+ requests failed", ended.stdout)
    assert 3 <= statuses[500] <= 0.3 * statuses.total(), statuses
    assert set(statuses) == {200, 500}
    assert server.weights()[live] == 100
    assert server.compose("ps", "--services").count("-service") == 4
    assert server.release("promote").returncode == 1


def killed(server: Server, seconds: float, *command: str) -> None:
    """Run scripts/release for so long at most."""
    environment = clean_environment(**server.settings)
    with subprocess.Popen(
        (RELEASE, *command), env=environment, process_group=0
    ) as running:
        try:
            running.wait(timeout=seconds * PACE)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)


def test_what_was_killed_midway_is_continued_or_undone(
    server: Server, request: pytest.FixtureRequest
) -> None:
    """Whenever it was killed, senders notice nothing."""
    kills = ((0.7, "promote"), (2.0, "abort"), (4.0, "promote"), (6.0, "abort"))
    image = server.images["next"]
    with asking(f"{server.address()}/livez") as statuses:
        for seconds, then in kills[: 4 if request.config.getoption("--long") else 2]:
            live = server.live()
            killed(server, 3.0, "start", image)
            server.must_release("abort")
            assert server.live() == live

            server.must_release("start", image)
            killed(server, seconds, "promote")
            server.must_release(then)
            assert server.weights()[server.live()] == 100
            assert sum(server.weights().values()) == 100

    assert set(statuses) == {200}


def test_a_version_of_another_format_is_refused(server: Server) -> None:
    """Two formats cannot be written at once: nothing is changed."""
    before = server.status().split("\n")[0]
    ended = server.release("start", server.images["newer"])

    assert ended.returncode == 1
    assert "writes another format than the one that is live" in ended.stdout
    assert server.status().split("\n")[0] == before


def test_a_version_that_fails_its_rehearsal_is_not_started(server: Server) -> None:
    """The end-to-end tests run on a Redis of their own: no counter is changed."""
    ended = server.release("run", server.images["broken"])

    assert ended.returncode == 1
    assert "fails its rehearsal: nothing was changed" in ended.stdout
    assert "This page was seen" in ended.stdout
    assert re.search(r"\d failed, \d passed", ended.stdout)


def test_both_colours_stay_at_hand_until_the_next_version(server: Server) -> None:
    """The one without a share stands by, and one command goes back to it."""
    live = server.live()
    server.must_release("start", server.images["next"])
    server.compose("stop", f"{live}-service")
    wait_until(lambda: requests.get(server.address(), timeout=9).ok)
    assert {requests.get(server.address(), timeout=9).ok for _ in range(20)} == {True}

    server.compose("start", f"{live}-service")
    server.must_release("canary", "30", "0")
    server.compose("restart", "proxy-service")
    wait_until(lambda: server.release("status").returncode == 0)
    assert server.weights()[live] == 70  # the proxy begins with what it had

    server.must_release("promote")
    assert server.live() != live
    for _ in range(2):  # a second time nothing more happens
        server.must_release("back")
        assert server.live() == live
        assert server.weights()[live] == 100


def test_visitors_are_told_apart_behind_the_proxy(server: Server) -> None:
    """What a proxy before it says of them is passed on."""
    before = set(server.all_in_lake("visitor", SITE))
    sender = Sender(server.address())
    for last in (7, 8):
        address = f"203.0.113.{last}"
        assert sender.send(f"/told/{last}", **{"X-Forwarded-For": address})[0] == 202
    sender.close()

    assert len(set(server.all_in_lake("visitor", SITE)) - before) == 2


def test_prometheus_asks_each_colour_that_runs_and_the_proxy(
    server: Server, tmp_path: Path
) -> None:
    """And every panel about colours has its lines."""
    server.must_release("start", server.images["next"])
    asked = dashboard.queries(dashboard.COLOURS, interval="10s")
    up = {"blue-service", "green-service", "proxy-service"}

    with watching_containers(server, tmp_path, server.images["sound"]) as prometheus:

        def found() -> set[str]:
            series = prometheus.answers("up == 1")
            return {each["metric"]["service"] for each in series}

        wait_until(lambda: found() == up, found)
        wait_until(lambda: all(len(prometheus.answers(each)) > 1 for each in asked))
        server.must_release("abort")
        stopped = ({"blue", "green"} - {server.live()}).pop()
        wait_until(lambda: found() == up - {f"{stopped}-service"}, found)
