"""The services of the compose files, run for real."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from support.containers import Stack, docker, inspect, running_stack
from support.load import replay
from support.processes import wait_until


@pytest.fixture(scope="module", name="services")
def read_services() -> dict[str, Any]:
    """Read the services as compose understands them."""
    config = docker("compose", "--profile", "testing", "config", "--format", "json")
    services: dict[str, Any] = json.loads(config.stdout)["services"]
    return services


@pytest.fixture(scope="module", name="stack")
def run_three_web_services() -> Iterator[Stack]:
    """Run three web-service containers over one Redis."""
    files = ("docker-compose.yml", "docker-compose.scale.yml")
    with running_stack(files, "--scale", "web-service=3") as stack:
        yield stack


def test_every_service_is_hardened(services: dict[str, Any]) -> None:
    """No service can write to its root, gain rights, or fill the disk with its log."""
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["init"], name
        assert service["logging"]["options"]["max-size"], name
        assert list(service["networks"]) == ["backend-network"], name
        if name != "test-service":
            assert service["restart"] == "unless-stopped", name
            assert service["mem_limit"], name
            assert service["healthcheck"]["interval"], name


def test_web_service_alone_is_published(services: dict[str, Any]) -> None:
    """Visitors reach the web service on port 80, and nobody reaches Redis."""
    published = {
        name: [(port["published"], port["target"]) for port in service["ports"]]
        for name, service in services.items()
        if "ports" in service
    }

    assert published == {"web-service": [("80", 8000)]}


def test_containers_run_without_rights(stack: Stack) -> None:
    """Neither Redis nor the web service runs as root or can write to its root."""
    for service in ("redis-service", "web-service"):
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
    redis = stack.compose("ps", "--quiet", "redis-service").strip()
    [before] = replay(stack.url(), [{}], connections=1)

    docker("exec", redis, "sh", "-c", "kill -KILL -1", check=False)
    wait_until(lambda: inspect(redis, "{{.RestartCount}}") == "1")
    wait_until(lambda: inspect(redis, "{{.State.Health.Status}}") == "healthy")

    assert replay(stack.url(), [{}], connections=1) == [before + 1]
