"""A registry and a host of our own, between which scripts/deploy brings an image."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.containers import ROOT, docker
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
SetEnv {settings}
"""
SSH = """#!/bin/sh
exec /usr/bin/ssh -F none -p {port} -i {folder}/key -o BatchMode=yes \\
  -o StrictHostKeyChecking=no -o UserKnownHostsFile={folder}/known -o LogLevel=ERROR \\
  "$@"
"""


@dataclass(frozen=True)
class Place:
    """A registry, and a host that is reached by the `ssh` of a folder."""

    registry: str
    folder: Path
    server: Server
    canary: tuple[str, str]

    def push(self, version: str) -> str:
        """Publish an image of the server's; returns its name with its digest."""
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
            (str(ROOT / "scripts" / "deploy"), "localhost", image, *self.canary),
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
def host(folder: Path, settings: dict[str, str]) -> Iterator[None]:
    """A host with these variables that a program `ssh` in the folder reaches."""
    port, config, program = free_port(), folder / "sshd_config", folder / "ssh"
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where root's sshd drops its rights
    for key in ("host", "key"):
        make = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key))
        subprocess.run(make, check=True)
    there = settings | {"PATH": os.environ["PATH"]}
    said = " ".join(f"{name}={value}" for name, value in there.items())
    values = {"folder": folder, "port": port, "settings": said}
    config.write_text(SSHD.format(**values))
    program.write_text(SSH.format(**values))
    program.chmod(0o755)
    with started(["/usr/sbin/sshd", "-D", "-e", "-f", str(config)], folder, port):
        yield


@contextmanager
def deploying(server: Server, folder: Path, canary: tuple[str, str]) -> Iterator[Place]:
    """Both; nothing of what they ran or kept is left."""
    (folder / "registry").mkdir()
    with registry(folder / "registry") as address, host(folder, server.settings):
        try:
            yield Place(address, folder, server, canary)
        finally:
            server.remove()
            # By name: by its id, an image would go from those who call it otherwise.
            name = "{{.Repository}}@{{.Digest}}"
            listed = (
                "images",
                "--digests",
                "--format",
                name,
                f"{address}/page-tracker",
            )
            docker("image", "rm", *docker(*listed).stdout.split(), check=False)
