"""A server whose versions are switched by scripts/release, and images of versions."""

import re
import subprocess
import uuid

from support.containers import ROOT, Stack, docker
from support.processes import clean_environment

FILES = ("docker-compose.yml", "docker-compose.release.yml")
RELEASE = str(ROOT / "scripts" / "release")
PACKAGE = "/opt/page-tracker/lib/python3.*/site-packages/page_tracker"
# Versions by what differs from the one that is built of the sources.
VERSIONS = {
    "next": "LABEL version=next",
    "failing": f"USER root\nRUN sed -i 's/response.add_etag()/raise RuntimeError/'"
    f" {PACKAGE}/web/script.py\nUSER page-tracker",
    "broken": f"USER root\nRUN sed -i 's/has been seen/was seen/' {PACKAGE}/app.py\n"
    "USER page-tracker",
    "newer": f"USER root\nRUN sed -i 's/^FORMAT = 1/FORMAT = 2/'"
    f" {PACKAGE}/lake/folder_format.py\nUSER page-tracker",
}


class Server(Stack):
    """A server whose versions are switched, with images of some versions."""

    def __init__(self, *versions: str) -> None:
        name = f"page-tracker-test-{uuid.uuid4().hex[:8]}"
        super().__init__(name, FILES, inside="writer-service")
        self.images = {each: f"{name}-{each}" for each in ("sound", *versions)}
        # which scripts/release goes by; any port is good for the proxy
        self.settings = {
            "COMPOSE_PROJECT_NAME": name,
            "PROXY_PORT": "127.0.0.1:",
            "PAGE_TRACKER_METRICS": "0.0.0.0:9464",
        }

    def build(self) -> None:
        docker("build", "--tag", self.images["sound"], "web")
        for version in self.images.keys() - {"sound"}:
            text = f"FROM {self.images['sound']}\n{VERSIONS[version]}\n"
            command = ("docker", "build", "--tag", self.images[version], "-")
            subprocess.run(command, input=text, text=True, check=True)

    def remove(self) -> None:
        self.compose("down", "--volumes", "--rmi", "local", check=False)
        tags = [f"{self.name}:{each}" for each in ("blue", "green", "live")]
        docker("image", "rm", "--force", *tags, *self.images.values(), check=False)

    def release(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run scripts/release; its whole output is in ``stdout``."""
        return subprocess.run(
            (RELEASE, *arguments),
            env=clean_environment(**self.settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def must_release(self, *arguments: str) -> str:
        ended = self.release(*arguments)
        assert ended.returncode == 0, ended.stdout
        return ended.stdout

    def address(self) -> str:
        return self.url(service="proxy-service")

    def weights(self) -> dict[str, int]:
        found = re.findall(r"^(blue|green) +(\d+) %", self.status(), re.MULTILINE)
        return {colour: int(weight) for colour, weight in found}

    def status(self) -> str:
        return self.must_release("status")

    def unanswered(self) -> int:
        """How many requests neither colour has answered."""
        [number] = re.findall(r"(\d+) requests were", self.status())
        return int(number)

    def live(self) -> str:
        return self.status().split()[0]
