"""What is in the image, and what it does when it is run as it is."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from support.containers import ROOT, docker, inspect
from support.pace import ANSWER_SECONDS
from support.processes import wait_until

IMAGE = "page-tracker-test-image"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module", name="image")
def build_image() -> Iterator[str]:
    """Build the image as a release does."""
    docker("build", "--tag", IMAGE, "--build-arg", f"REVISION={COMMIT}", "web")
    yield IMAGE
    docker("image", "rm", "--force", IMAGE)


@pytest.fixture(name="container")
def run_image(image: str) -> Iterator[str]:
    """Run the image with its default command, and no Redis beside it."""
    container = docker("run", "--detach", "--publish", "127.0.0.1::5000", image)
    name = container.stdout.strip()
    yield name
    docker("rm", "--force", "--volumes", name)


def test_the_image_says_what_it_is(image: str) -> None:
    """Command, user, health check and commit can be read from the image."""
    config = json.loads(docker("inspect", image).stdout)[0]["Config"]

    assert " ".join(config["Cmd"]) == (
        "flask --app page_tracker.app run --host 0.0.0.0 --port 5000"
    )
    assert config["User"] == "page-tracker"
    assert config["Healthcheck"]["Test"][0] == "CMD"
    assert config["Labels"]["org.opencontainers.image.revision"] == COMMIT


def test_the_image_holds_the_wheel_and_what_it_needs_alone(image: str) -> None:
    """No sources, tests or tools; and its user cannot change what it runs."""
    run = ("run", "--rm", image)
    packages = docker(*run, "pip", "list", "--format", "freeze").stdout
    names = {line.split("==")[0].lower() for line in packages.splitlines()}
    constraints = (ROOT / "web" / "constraints.txt").read_text(encoding="utf-8")
    pinned = set(constraints.lower().split())

    assert "page-tracker" in names or "page_tracker" in names
    assert names.isdisjoint({"pytest", "black", "pylint", "mypy", "bandit"})
    flask = next(line for line in packages.splitlines() if line.startswith("Flask=="))
    assert flask.lower() in pinned
    assert docker(*run, "ls", "/home/page-tracker").stdout == ""
    writing = docker(*run, "touch", "/opt/page-tracker/mark", check=False)
    assert writing.returncode != 0


def test_the_image_holds_no_leftovers_of_its_build(image: str) -> None:
    """No wheels but the base's own, no cache, nothing that passes."""
    root = ("run", "--rm", "--user", "root", image)
    wheels = docker(*root, "find", "/", "-xdev", "-name", "*.whl").stdout.splitlines()
    caches = docker(*root, "find", "/", "-xdev", "-path", "*/.cache/*").stdout

    assert not [path for path in wheels if not path.startswith("/usr/")]
    assert caches == ""
    passing = "/tmp"  # nosec B108 # the container's
    assert docker(*root, "find", passing, "-mindepth", "1").stdout == ""


def test_a_volume_for_data_belongs_to_the_image_s_user(image: str) -> None:
    """A new volume at the data folder can be written by nobody else."""
    run = ("run", "--rm", "--volume", "/data", image)

    assert docker(*run, "stat", "-c", "%U %a", "/data").stdout == "page-tracker 700\n"
    assert docker(*run, "touch", "/data/mark").stdout == ""


def test_the_image_serves_and_is_healthy_as_it_is(container: str) -> None:
    """The default command answers on 5000, and the health check sees it."""
    address = docker("port", container, "5000").stdout.strip()
    wait_until(lambda: inspect(container, "{{.State.Health.Status}}") != "starting")

    connection = HTTPConnection(address, timeout=ANSWER_SECONDS)
    connection.request("GET", "/")
    answer = connection.getresponse()

    assert inspect(container, "{{.State.Health.Status}}") == "healthy"
    assert answer.status == 500
    assert answer.read().decode() == "Sorry, something went wrong \N{PENSIVE FACE}"
