"""Docker, as the tests of the pipeline use it."""

import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


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
    """The services of the compose files, as a project of their own."""

    def __init__(self, name: str, files: Sequence[str]) -> None:
        self.name = name
        self._options = [option for file in files for option in ("--file", file)]

    def compose(self, *arguments: str, check: bool = True) -> str:
        """Run ``docker compose`` on this stack, as ``docker`` does."""
        project = ("compose", "--project-name", self.name, *self._options)
        return docker(*project, *arguments, check=check).stdout

    def url(self, index: int = 1) -> str:
        """Return the address at which a web-service container is published."""
        arguments = ("port", "--index", str(index), "web-service", "8000")
        return f"http://{self.compose(*arguments).strip()}"


@contextmanager
def running_stack(files: Sequence[str], *options: str) -> Iterator[Stack]:
    """Start the services of the compose files; afterwards nothing of them is left."""
    stack = Stack(f"page-tracker-test-{uuid.uuid4().hex[:8]}", files)
    try:
        stack.compose("up", "--detach", "--build", "--wait", *options)
        yield stack
    finally:
        stack.compose("down", "--volumes", "--rmi", "local")
