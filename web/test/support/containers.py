"""Docker, as the tests of the pipeline use it."""

import json
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.processes import wait_until

ROOT = Path(__file__).resolve().parents[3]

# Run in a container: a column of a site's hits in the lake, as JSON.
HITS = """
import json, sys, duckdb
from page_tracker.lake.table import Lake
files = Lake("/data/lake").snapshot("hits").file_uris()
query = f"SELECT {sys.argv[1]} FROM read_parquet(?) WHERE site = ?"
rows = duckdb.execute(query, [files, sys.argv[2]]).fetchall() if files else []
print(json.dumps([value for (value,) in rows]))
"""


def docker(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run docker at the root of the project; its whole output is in ``stdout``.

    Raises AssertionError with that output where it fails and ``check`` is true.
    """
    # whichever docker is on the PATH, as for the person who types it
    done = subprocess.run(  # nosec B607
        ["docker", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert not check or done.returncode == 0, done.stdout
    return done


def inspect(container: str, template: str) -> str:
    """Return what docker says of a container; ``template`` is one of Go's."""
    return docker("inspect", "--format", template, container).stdout.strip()


class Stack:
    """The services of the compose files, as a project of their own.

    ``inside`` is the service in whose container commands are run, as people do.
    """

    def __init__(
        self, name: str, files: Sequence[str], inside: str = "web-service"
    ) -> None:
        self.name = name
        self._inside = inside
        self._options = [option for file in files for option in ("--file", file)]

    def compose(self, *arguments: str, check: bool = True) -> str:
        """Run ``docker compose`` on this stack, as ``docker`` does."""
        project = ("compose", "--project-name", self.name, *self._options)
        return docker(*project, *arguments, check=check).stdout

    def url(self, index: int = 1, service: str = "web-service") -> str:
        """Return the address at which a container is published."""
        arguments = ("port", "--index", str(index), service, "8000")
        return f"http://{self.compose(*arguments).strip()}"

    def page_tracker(self, *command: str, check: bool = True) -> str:
        """Run a `page-tracker` command."""
        run = ("exec", "--no-TTY", self._inside, "page-tracker")
        return self.compose(*run, *command, check=check)

    def doctor(self) -> str:
        """Return what is well and what is not."""
        asking = ("doctor", "--url", "http://localhost:8000")
        return self.page_tracker(*asking, check=False)

    def in_lake(self, column: str, site: str) -> list[Any]:
        """Return a column of a site's hits that are in the lake."""
        run = ("exec", "--no-TTY", self._inside, "python3", "-c", HITS)
        found: list[Any] = json.loads(self.compose(*run, column, site))
        return found

    def all_in_lake(self, column: str, site: str) -> list[Any]:
        """Return a column of a site's hits, once no more wait in Redis."""
        wait_until(lambda: "writer: 0 rows wait; at work" in self.doctor())
        return self.in_lake(column, site)


@contextmanager
def running_stack(
    files: Sequence[str], *options: str, inside: str = "web-service"
) -> Iterator[Stack]:
    """Start the services of the compose files; afterwards nothing of them is left."""
    stack = Stack(f"page-tracker-test-{uuid.uuid4().hex[:8]}", files, inside)
    try:
        stack.compose("up", "--detach", "--build", "--wait", *options)
        yield stack
    finally:
        stack.compose("down", "--volumes", "--rmi", "local")
