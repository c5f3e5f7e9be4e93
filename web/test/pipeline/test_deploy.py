"""From a registry to a server: scripts/deploy, by a real ssh and a real registry."""

import re
from collections.abc import Iterator

import pytest
import requests

from support.containers import docker
from support.deploying import Place, deploying
from support.pace import ANSWER_SECONDS
from support.releases import Server


@pytest.fixture(scope="module", name="server")
def a_server_without_anything() -> Iterator[Server]:
    server = Server("next")
    try:
        server.build()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="module", name="place")
def a_registry_and_a_host(
    server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    with deploying(server, tmp_path_factory.mktemp("host"), ("50", "1")) as place:
        yield place


@pytest.mark.timeout(1800)  # three deployments
def test_a_published_image_is_deployed_and_goes_back_if_its_check_fails(
    place: Place, server: Server
) -> None:
    """From the push to what answers; the second one by a canary."""
    first = place.deploy(place.push("sound"))
    assert first.returncode == 0, first.stdout
    assert requests.get(server.address(), timeout=ANSWER_SECONDS).ok

    image = place.push("next")
    failed = place.deploy(image, CHECK="exit 3")
    assert failed.returncode == 1, failed.stdout
    assert "failed its check: localhost went back" in failed.stdout
    assert server.status().startswith("blue is live; last step: back")

    second = place.deploy(image, CHECK=f"curl --fail {server.address()}/livez")
    assert second.returncode == 0, second.stdout
    assert server.status().startswith("green is live; last step: promoted")
    running = server.compose("ps", "--quiet", "green-service").strip()
    [digest] = re.findall(r"sha256:\w+", image)
    images = docker("inspect", "--format", "{{.Image}}", running).stdout.strip()
    assert digest in docker("inspect", "--format", "{{.RepoDigests}}", images).stdout


def test_an_image_without_a_digest_is_refused(place: Place) -> None:
    """A tag may be moved while it is deployed."""
    ended = place.deploy(f"{place.registry}/page-tracker:next")

    assert ended.returncode == 2
    assert "name the image by its digest" in ended.stdout
