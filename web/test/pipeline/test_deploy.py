"""From a registry to a server: scripts/deploy, by a real ssh and a real registry."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from support.containers import ROOT, docker
from support.pace import ANSWER_SECONDS
from support.processes import clean_environment, free_port
from support.releases import Server
from support.site_proxies import started

REGISTRY = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""
SSHD = """
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/key.pub
PidFile none
StrictModes no
UsePAM no
SetEnv COMPOSE_PROJECT_NAME={project} PROXY_PORT=127.0.0.1: PATH={path}
"""
SSH = """#!/bin/sh
exec /usr/bin/ssh -F none -p {port} -i {folder}/key -o BatchMode=yes \\
  -o StrictHostKeyChecking=no -o UserKnownHostsFile={folder}/known -o LogLevel=ERROR \\
  "$@"
"""


@pytest.fixture(scope="module", name="server")
def a_server_without_anything() -> Iterator[Server]:
    server = Server("next")
    try:
        server.build()
        yield server
    finally:
        server.remove()


@dataclass(frozen=True)
class Place:
    """A registry, and a host that is reached by the `ssh` of a folder."""

    registry: str
    folder: Path
    server: Server

    def push(self, version: str) -> str:
        """Publish an image; returns its name with its digest."""
        name = f"{self.registry}/page-tracker:{version}"
        docker("tag", self.server.images[version], name)
        said = docker("push", name).stdout
        docker("image", "rm", name)
        [digest] = re.findall(r"digest: (sha256:[0-9a-f]{64})", said)
        return f"{self.registry}/page-tracker@{digest}"

    def deploy(
        self, image: str, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run scripts/deploy; its whole output is in ``stdout``."""
        path = f"{self.folder}:{os.environ['PATH']}"
        target = str(self.folder / "there")
        return subprocess.run(
            (str(ROOT / "scripts" / "deploy"), "localhost", image, "50", "1"),
            env=clean_environment(PATH=path, FOLDER=target, **environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    port, config = free_port(), folder / "registry.yml"
    config.write_text(REGISTRY.format(folder=folder / "images", port=port))
    with started(["docker-registry", "serve", str(config)], folder, port):
        yield f"127.0.0.1:{port}"


@contextmanager
def host(folder: Path, project: str) -> Iterator[None]:
    """A host that a program `ssh` in the folder reaches."""
    port, config, program = free_port(), folder / "sshd_config", folder / "ssh"
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where root's sshd drops its rights
    for key in ("host", "key"):
        make = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key))
        subprocess.run(make, check=True)
    path = os.environ["PATH"]
    values = {"folder": folder, "port": port, "project": project, "path": path}
    config.write_text(SSHD.format(**values))
    program.write_text(SSH.format(**values))
    program.chmod(0o755)
    with started(["/usr/sbin/sshd", "-D", "-e", "-f", str(config)], folder, port):
        yield


@pytest.fixture(scope="module", name="place")
def a_registry_and_a_host(
    server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("host")
    (folder / "registry").mkdir()
    with registry(folder / "registry") as address, host(folder, server.name):
        yield Place(address, folder, server)
        server.remove()
        # By name: by its id, an image would go from those who call it otherwise, too.
        name = "{{.Repository}}@{{.Digest}}"
        listed = ("images", "--digests", "--format", name, f"{address}/page-tracker")
        docker("image", "rm", *docker(*listed).stdout.split(), check=False)


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
