"""The whole way, once: a commit, its checks, its image, a canary, an alert, and back.

Run it alone, and see the figures of each step:
    scripts/test-pipeline --long -n 0 -s -k whole_way
"""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.containers import ROOT, docker, inspect
from support.deploying import Place, deploying
from support.hitting import SITE, asking, hitting
from support.processes import wait_until
from support.releases import Server
from support.watching import Prometheus, watching_containers

CANARY = ("20", "20")  # percent, seconds
EACH_SECOND = 150
CHANGED = "src/page_tracker/plural.py"


@pytest.fixture(name="server")
def a_server_without_anything() -> Iterator[Server]:
    server = Server("failing")
    try:
        server.build()
        yield server
    finally:
        server.remove()


@contextmanager
def step(name: str) -> Iterator[list[str]]:
    """What is appended is printed with the step's name and time."""
    said: list[str] = []
    began = time.monotonic()
    yield said
    print(f"{name:<28} {time.monotonic() - began:6.1f} s  {'; '.join(said)}")


def committed(folder: Path) -> str:
    """A clone with one more commit, which changes the application; returns its hash."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.check_output(command, text=True).strip()

    clone = ["git", "clone", "--quiet", str(ROOT), str(folder)]
    subprocess.run(clone, check=True)
    module = folder / "web" / CHANGED
    module.write_text(f"{module.read_text()}\n# A change.\n")
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    git(*who, "commit", "--quiet", "--all", "--message", "Change a module")
    return git("rev-parse", "HEAD")


def check_and_build(server: Server, folder: Path, revision: str) -> None:
    """Build the image of a checkout, which its checks and unit tests have to pass."""
    server.images["committed"] = f"{server.name}-committed"
    tag, label = server.images["committed"], f"REVISION={revision}"
    docker("build", "--tag", tag, "--build-arg", label, str(folder / "web"))


def deploy(place: Place, image: str) -> str:
    """Bring a published image to the server; returns what the canary has shown."""
    ended = place.deploy(image, CHECK=f"curl --fail {place.server.address()}/readyz")
    assert ended.returncode == 0, ended.stdout
    return "; ".join(re.findall(r"^\w+: \d+ of \d+ .*$", ended.stdout, re.MULTILINE))


def firing(prometheus: Prometheus) -> set[str]:
    alerts = prometheus.answers('ALERTS{alertstate="firing"}')
    return {each["metric"]["alertname"] for each in alerts}


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_whole_way_from_a_commit_to_an_alert_and_back(
    server: Server, tmp_path: Path
) -> None:
    """No hit is lost or counted twice on it, and who fails is the faulty version."""
    for name in ("deploy", "watch"):
        (tmp_path / name).mkdir()
    clone = tmp_path / "clone"
    with deploying(server, tmp_path / "deploy", CANARY) as place:
        with step("the version before runs"):
            first = place.push("sound")
            ended = place.deploy(first)
            assert ended.returncode == 0, ended.stdout
            server.page_tracker("site", "add", SITE)
        with step("a commit") as said:
            revision = committed(clone)
            said.append(revision[:12])
        with step("its checks, and its image"):
            check_and_build(server, clone, revision)
        with step("into the registry") as said:
            image = place.push("committed")
            said.append(image.rpartition("@")[2][:19])
        with (
            watching_containers(server, tmp_path / "watch", first) as prometheus,
            hitting(server.address(), 4, brief=4, each_second=EACH_SECOND) as sent,
        ):
            with step("canary, and promoted") as said:
                said.append(deploy(place, image))
                said.append(f"hits: {dict(sent.statuses)}")
            live = server.compose("ps", "--quiet", f"{server.live()}-service").strip()
            label = '{{index .Config.Labels "org.opencontainers.image.revision"}}'
            assert inspect(live, label) == revision
            assert server.unanswered() == 0
            fault_and_back(place, prometheus)
        with step("every hit is there once") as said:
            sent.must_be_stored_once(server.all_in_lake("path", SITE))
            said.append(f"{len(sent.acknowledged)} of {sum(sent.statuses.values())}")
        assert set(sent.statuses) <= {202, 503}


def fault_and_back(place: Place, prometheus: Prometheus) -> None:
    """A version whose fault nobody meets while it is tried; then they do."""
    server = place.server
    good = server.live()
    with step("a faulty version, promoted") as said:
        said.append(deploy(place, place.push("failing")))
    assert server.live() != good
    with asking(f"{server.address()}/js/script.js") as statuses:
        with step("an alert") as said:
            wait_until(lambda: "AnswersFail" in firing(prometheus))
            said.append(f"AnswersFail; its file until then: {dict(statuses)}")
        with step("back") as said:
            server.must_release("back")
            failed = statuses[500]
            said.append(f"{failed} answers failed in all")
        wait_until(lambda: statuses[200] > 10)
        assert statuses[500] <= failed + 1
    assert server.live() == good
    with step("the alert is over"):
        wait_until(lambda: "AnswersFail" not in firing(prometheus))
