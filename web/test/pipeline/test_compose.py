"""The services of the compose files, run for real."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import sleep
from typing import Any

import pytest

from support.containers import Stack, docker, inspect, running_stack
from support.hitting import SITE, Sender, hitting
from support.load import replay
from support.processes import wait_until

CLUSTERED = "docker-compose.cluster.yml"
# They end.
JOBS = ("test-service", "cluster-service", "bucket-setup-service")


@pytest.fixture(scope="module", name="services")
def read_services() -> dict[str, Any]:
    """Read the services as compose understands them."""
    config = docker("compose", "--profile", "testing", "config", "--format", "json")
    services: dict[str, Any] = json.loads(config.stdout)["services"]
    return services


@pytest.fixture(scope="module", name="released_services")
def read_services_of_releases() -> dict[str, Any]:
    """Read the services of the two colours and their proxy."""
    files = ("--file", "docker-compose.yml", "--file", "docker-compose.release.yml")
    config = docker("compose", *files, "config", "--format", "json")
    services: dict[str, Any] = json.loads(config.stdout)["services"]
    return services


@pytest.fixture(scope="module", name="clustered_services")
def read_services_on_a_cluster() -> dict[str, Any]:
    """Read what many machines run, and the jobs that make a cluster and a bucket."""
    options = ("--file", CLUSTERED, "--profile", "testing")
    config = docker("compose", *options, "config", "--format", "json")
    services: dict[str, Any] = json.loads(config.stdout)["services"]
    return services


@pytest.fixture(scope="module", name="stack")
def run_three_web_services() -> Iterator[Stack]:
    """Run three web-service containers over one Redis."""
    files = ("docker-compose.yml", "docker-compose.scale.yml")
    with running_stack(files, "--scale", "web-service=3") as stack:
        stack.page_tracker("site", "add", SITE)
        yield stack


def container_of(stack: Stack, service: str) -> str:
    return stack.compose("ps", "--quiet", service).strip()


def test_every_service_is_hardened(
    services: dict[str, Any],
    released_services: dict[str, Any],
    clustered_services: dict[str, Any],
) -> None:
    """No service can write to its root, gain rights, or fill the disk with its log."""
    assert {"blue-service", "green-service"} < set(released_services)
    for name, service in (
        *services.items(),
        *released_services.items(),
        *clustered_services.items(),
    ):
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["init"], name
        assert "core" in service["ulimits"], name
        assert service["logging"]["options"]["max-size"], name
        assert list(service["networks"]) == ["backend-network"], name
        if name not in JOBS:
            assert service["restart"] == "unless-stopped", name
            assert service["mem_limit"], name
            assert service["pids_limit"], name
            assert service["healthcheck"]["interval"], name


def test_a_table_s_long_log_can_be_read(
    services: dict[str, Any],
    released_services: dict[str, Any],
    clustered_services: dict[str, Any],
) -> None:
    """With up to 512 threads, in each of two processes of a container."""
    for each in (services["web-service"], services["writer-service"]):
        assert each["pids_limit"] >= 1500
    for name in ("blue-service", "green-service", "writer-service"):
        assert released_services[name]["pids_limit"] >= 1500
    for name in ("collector", "reader", "writer", "upkeep"):
        assert clustered_services[f"{name}-service"]["pids_limit"] >= 1500


def test_each_server_of_the_cluster_has_the_address_that_others_know(
    clustered_services: dict[str, Any],
) -> None:
    """Where nobody has chosen another network."""
    found = {
        service["networks"]["backend-network"]["ipv4_address"]
        for name, service in clustered_services.items()
        if name.startswith("redis-service")
    }
    assert found == {f"192.168.177.{last}" for last in range(11, 20)}


def test_web_service_or_its_proxy_alone_is_published(
    services: dict[str, Any],
    released_services: dict[str, Any],
    clustered_services: dict[str, Any],
) -> None:
    """Visitors reach it on port 80, and nobody reaches Redis or the bucket."""

    def published(among: dict[str, Any]) -> dict[str, list[tuple[str, int]]]:
        return {
            name: [(port["published"], port["target"]) for port in service["ports"]]
            for name, service in among.items()
            if "ports" in service
        }

    assert published(services) == {"web-service": [("80", 8000)]}
    for behind_a_proxy in (released_services, clustered_services):
        assert published(behind_a_proxy) == {"proxy-service": [("80", 8000)]}


def test_a_cluster_s_servers_keep_addresses_of_one_network(
    clustered_services: dict[str, Any],
) -> None:
    """As a cluster remembers them; none is given to another container."""
    networks = [each["networks"] for each in clustered_services.values()]
    given = [each["backend-network"] for each in networks if each["backend-network"]]
    wanted = [f"192.168.177.1{number}" for number in range(1, 10)]
    assert sorted(each["ipv4_address"] for each in given) == wanted


def test_containers_run_without_rights(stack: Stack) -> None:
    """No service runs as root or can write to its root."""
    for service in ("redis-service", "web-service", "writer-service"):
        user = stack.compose("exec", "--no-TTY", service, "id", "-u")
        mounts = stack.compose("exec", "--no-TTY", service, "cat", "/proc/1/mounts")
        status = stack.compose("exec", "--no-TTY", service, "cat", "/proc/1/status")

        assert user.strip() != "0"
        assert re.search(r"^\S+ / \S+ ro,", mounts, re.MULTILINE)
        assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
        assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)


def test_counts_stay_exact_over_three_containers(stack: Stack) -> None:
    """Of N views over three containers each states another number, without a gap."""
    urls = [stack.url(index) for index in (1, 2, 3)]
    assert len(set(urls)) == 3
    [before] = replay(urls[0], [{}], connections=1)

    with ThreadPoolExecutor(len(urls)) as pool:
        shares = pool.map(lambda url: replay(url, [{}] * 200, connections=4), urls)
        numbers = [number for share in shares for number in share]

    assert sorted(numbers) == list(range(before + 1, before + 601))


def test_counts_survive_the_death_of_redis(stack: Stack) -> None:
    """Killed, Redis is started again by itself and goes on from what was answered."""
    redis = container_of(stack, "redis-service")
    [before] = replay(stack.url(), [{}], connections=1)

    docker("exec", redis, "sh", "-c", "kill -KILL -1", check=False)
    wait_until(lambda: inspect(redis, "{{.RestartCount}}") == "1")
    wait_until(lambda: inspect(redis, "{{.State.Health.Status}}") == "healthy")

    assert replay(stack.url(), [{}], connections=1) == [before + 1]


def test_the_doctor_finds_the_services_well(stack: Stack) -> None:
    """What an owner asks in a container finds nothing to do."""
    wait_until(lambda: "problem" not in stack.doctor())
    said = stack.page_tracker("doctor", "--url", "http://localhost:8000")

    assert "/data/mirror.json has all of them" in said
    assert "http://localhost:8000 is ready" in said


def test_a_proxy_on_the_machine_is_believed(stack: Stack) -> None:
    """Senders behind it are told apart: each is a visitor of its own."""
    before = set(stack.all_in_lake("visitor", SITE))

    sender = Sender(stack.url())
    for last in (7, 8):
        sender.send(f"/proxy/{last}", **{"X-Forwarded-For": f"203.0.113.{last}"})
    sender.close()

    assert len(set(stack.all_in_lake("visitor", SITE)) - before) == 2


def test_hits_through_three_containers_are_each_kept_once(stack: Stack) -> None:
    """Whatever container takes a hit, the badge and the lake have it, once."""

    def send(index: int) -> list[str]:
        sender = Sender(stack.url(index))
        paths = [f"/container/{index}/{number}" for number in range(100)]
        assert {sender.send(path)[0] for path in paths} == {202}
        sender.close()
        return paths

    with ThreadPoolExecutor(3) as pool:
        sent = [path for paths in pool.map(send, (1, 2, 3)) for path in paths]

    kept = [
        path
        for path in stack.all_in_lake("path", SITE)
        if path.startswith("/container/")
    ]
    assert sorted(kept) == sorted(sent)


def test_a_killed_writer_goes_on_and_nothing_is_lost_or_doubled(stack: Stack) -> None:
    """Killed twice while hits come in, it is started again by itself each time."""
    writer = container_of(stack, "writer-service")
    known = set(stack.all_in_lake("path", SITE))

    with hitting(stack.url(), connections=4) as sent:
        for kills in ("1", "2"):
            sleep(1.5)  # a commit or two
            docker("exec", writer, "sh", "-c", "kill -KILL -1", check=False)
            while inspect(writer, "{{.RestartCount}}") != kills:
                sleep(0.1)
    wait_until(lambda: inspect(writer, "{{.State.Health.Status}}") == "healthy")

    assert len(sent.acknowledged) > 100
    stored = [path for path in stack.all_in_lake("path", SITE) if path not in known]
    sent.must_be_stored_once(stored)


def test_a_stopping_writer_writes_what_waits(stack: Stack) -> None:
    """After `docker compose stop` the lake has all that was acknowledged before."""
    sender = Sender(stack.url())
    assert sender.send("/before-the-stop")[0] == 202
    sender.close()

    stack.compose("stop", "writer-service")
    try:
        assert "/before-the-stop" in stack.in_lake("path", SITE)
    finally:
        stack.compose("up", "--detach", "--wait", "--no-recreate", "writer-service")
