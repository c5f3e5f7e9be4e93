"""What many machines run, on one: it begins by one command, and outlives its parts."""

import json
import subprocess
import sys
from collections.abc import Iterator
from time import sleep
from uuid import uuid4

import pytest
import requests

from support.containers import ROOT, Stack, docker, running_stack
from support.hitting import SITE, Sent, hitting
from support.pace import ANSWER_SECONDS
from support.processes import free_port, wait_until
from support.whole_machine import whole_machine

FILE = "docker-compose.cluster.yml"
NETWORK = "192.168.179"
PASSWORD = uuid4().hex
NODES = ["redis-service", *(f"redis-service-{number}" for number in range(2, 10))]
# The images are built, where no other test has done so.
pytestmark = pytest.mark.timeout(1200)
PARTS = ("collector", "reader", "writer", "upkeep", "bucket", "proxy")


@pytest.fixture(scope="module", name="stack")
def run_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with whole_machine(tmp_path_factory), pytest.MonkeyPatch.context() as patched:
        patched.setenv("CLUSTER_NETWORK", NETWORK)
        patched.setenv("PROXY_PORT", f"127.0.0.1:{free_port()}")
        patched.setenv("REDIS_PASSWORD", PASSWORD)
        with running_stack([FILE], inside="reader-service") as stack:
            stack.page_tracker("site", "add", SITE)
            yield stack


def address(stack: Stack) -> str:
    return stack.url(service="proxy-service")


def must_pass_the_suite(stack: Stack) -> None:
    """The tests of a deployed server, as they are run against any other one."""
    nodes = ",".join(f"{NETWORK}.1{number}" for number in (1, 2, 3))
    redis = f"redis+cluster://:{PASSWORD}@{nodes}"
    given = ("--flask-url", address(stack), "--redis-url", redis)
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "test/e2e/deployed", *given],
        cwd=ROOT / "web",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout


def kill(stack: Stack, service: str) -> str:
    """End a service's first container for good; returns its name."""
    name = f"{stack.name}-{service}-1"
    docker("kill", name)
    return name


def primary(stack: Stack) -> str:
    """A server of Redis that takes a part of the hits."""
    for node in NODES:
        said = stack.compose("exec", "--no-TTY", node, "redis-cli", "role", check=False)
        if "master" in said:
            return node
    raise AssertionError("no server is a primary")


def is_replaced(stack: Stack, node: str) -> bool:
    """Whether another server has taken the place of one that was killed."""
    other = next(each for each in NODES if each != node)
    ask = ("exec", "--no-TTY", other, "redis-cli", "cluster")
    flags = [line.split()[2] for line in stack.compose(*ask, "nodes").splitlines()]
    is_missed = "master,fail" in flags
    return is_missed and "cluster_slots_ok:16384" in stack.compose(*ask, "info")


def is_ready(stack: Stack) -> bool:
    """Whether hits are stored again, and none waits on disk."""
    try:
        answer = requests.get(f"{address(stack)}/readyz", timeout=ANSWER_SECONDS)
    except requests.RequestException:
        return False
    return answer.text == "ok\n"


def must_have_each_once(stack: Stack, sent: Sent) -> None:
    asking = ("query", SITE, "--metrics", "pageviews", "--by", "page", "--json")

    def stored() -> list[str]:
        rows = json.loads(stack.page_tracker(*asking))["results"]
        views = [(*row["dimensions"], *row["metrics"]) for row in rows]
        return [page for page, number in views for _ in range(number)]

    def lost() -> set[str]:
        return sent.acknowledged.keys() - set(stored())

    while missing := lost():  # as long as more arrive
        wait_until(lambda: len(lost()) < len(missing), lost)
    sent.must_be_stored_once(stored())


def test_a_collector_and_a_server_of_redis_may_die(stack: Stack) -> None:
    """No hit is lost or counted twice, and all works without them."""
    node = primary(stack)
    with hitting(address(stack), 2, each_second=40) as sent:
        killed = [kill(stack, "collector-service"), kill(stack, node)]
        wait_until(lambda: is_replaced(stack, node))
        wait_until(lambda: is_ready(stack))
    must_pass_the_suite(stack)

    must_have_each_once(stack, sent)
    docker("start", *killed)
    wait_until(lambda: is_ready(stack))


def known_servers(stack: Stack) -> set[tuple[str, str]]:
    """Each server's id and address, as one of them knows them."""
    ask = ("exec", "--no-TTY", "redis-service", "redis-cli", "cluster")
    assert "cluster_state:ok" in stack.compose(*ask, "info")
    nodes = [line.split() for line in stack.compose(*ask, "nodes").splitlines()]
    assert sum("slave" in each[2] for each in nodes) == 6
    return {(each[0], each[1].partition("@")[0]) for each in nodes}


@pytest.mark.long
def test_nine_servers_stay_the_cluster_that_was_made_of_them(stack: Stack) -> None:
    before = known_servers(stack)
    assert len(before) == 9

    stack.compose("kill", *NODES)
    stack.compose("up", "--detach", "cluster-service")
    stack.compose("wait", "cluster-service", check=False)

    assert known_servers(stack) == before
    wait_until(lambda: is_ready(stack))


@pytest.mark.long
def test_any_part_may_die_and_come_back(stack: Stack) -> None:
    """Each in turn under load, and three servers of Redis, primaries at first."""
    with hitting(address(stack), 2, each_second=50) as sent:
        for service in (*(f"{part}-service" for part in PARTS), *NODES[:3]):
            killed = kill(stack, service)
            sleep(8)  # longer than a failover takes
            docker("start", killed)
            wait_until(lambda: is_ready(stack))

    must_have_each_once(stack, sent)
    must_pass_the_suite(stack)
