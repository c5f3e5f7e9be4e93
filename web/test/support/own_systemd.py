"""A systemd of its own, in namespaces of the kernel, so that a test may install things.

What is written to /etc, /opt, /usr/local, /var/lib and /var/log is in memory, and gone
at the end; ports and processes are nobody else's. The checkout is /opt/page-tracker.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.processes import descendants, wait_until

ROOT = Path(__file__).parents[3]
WRITTEN = ("/etc", "/usr/local", "/var/lib")

PREPARE = Path(__file__).with_suffix(".sh")


@dataclass(frozen=True)
class Machine:
    """A running systemd; `pid` is its process 1, as we see it."""

    pid: int

    def run(self, command: str) -> "subprocess.CompletedProcess[str]":
        """What a shell says as root, standard error with it."""
        return subprocess.run(
            ["/usr/bin/nsenter", f"--target={self.pid}", "--mount", "--uts", "--net"]
            + ["--cgroup", "--pid", "--", "/bin/sh", "-e", "-c", command],
            env={
                "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            check=False,
            text=True,
            timeout=120,
        )

    def say(self, command: str) -> str:
        """What a command says that succeeds; raises AssertionError where it fails."""
        ended = self.run(command)
        if ended.returncode:
            log = self.run("journalctl --lines 60 --no-pager").stdout
            raise AssertionError(f"{command}\n{ended.stdout}\n{log}")
        return ended.stdout


@contextmanager
def own_systemd(folder: Path) -> Iterator[Machine]:
    """Start it, with what it says in `folder`; needs root."""
    cgroup = _cgroup()
    cgroup.mkdir()
    output = folder / "systemd.output"
    environment = {
        **os.environ,
        "SPACE": str(folder / "space"),
        "CHECKOUT": str(ROOT),
        "PYTHON": sys.base_prefix,
        "WRITTEN": " ".join(WRITTEN),
    }
    with output.open("wb") as file:
        process = subprocess.Popen(
            ["/bin/sh", "-e", "-c", f"echo $$ >{cgroup}/cgroup.procs; exec {_UNSHARE}"]
            + [str(PREPARE)],
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        machine = Machine(_first(process, output))
        wait_until(
            lambda: "running" in machine.run("systemctl is-system-running").stdout,
            output.read_text,
        )
        yield machine
    finally:
        process.kill()
        process.wait()
        _remove(cgroup)


# Whoever kills the test kills it too.
_UNSHARE = (
    "setpriv --pdeathsig KILL"
    " unshare --cgroup --pid --mount --net --uts --ipc --fork --kill-child --mount-proc"
    ' /bin/sh "$0"'
)


def _first(process: "subprocess.Popen[bytes]", output: Path) -> int:
    """The process that is 1 in there."""
    wait_until(
        lambda: bool(descendants(process.pid)) or process.poll() is not None,
        output.read_text,
    )
    assert process.poll() is None, output.read_text()
    return descendants(process.pid)[0]


def _cgroup() -> Path:
    mounts = Path("/proc/mounts").read_text("utf-8").splitlines()
    place = next(words[1] for line in mounts if (words := line.split())[2] == "cgroup2")
    return Path(place) / f"page-tracker-test-{os.getpid()}"


def _remove(cgroup: Path) -> None:
    def remove() -> bool:
        try:
            for each in sorted(cgroup.rglob("*/"), reverse=True):
                each.rmdir()
            cgroup.rmdir()
        except OSError:  # its processes are still ending
            return False
        return True

    wait_until(remove)
