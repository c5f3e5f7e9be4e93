"""Other trackers' published clients, unchanged: installed once, run as they are meant.

Which ones, and in which versions, is in `test/clients`. They lie in the system's
temporary folder, under a name that changes with these.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from support.pace import PACE

SCRIPTS = Path(__file__).parent.parent / "clients"
PINS = (".npmrc", "package.json", "package-lock.json", "requirements.txt")
INSTALL_SECONDS = 300.0
RUN_SECONDS = 60.0 * PACE


def installed() -> Path:
    """The folder with the clients; several tests at once install them once."""
    said = b"".join((SCRIPTS / name).read_bytes() for name in PINS)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    name = sha256(said + version.encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"page-tracker-clients-{name}"
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            _install(folder)
            (folder / "done").touch()
    return folder


def _install(folder: Path) -> None:
    for name in PINS:
        shutil.copy(SCRIPTS / name, folder)
    quiet = ("--silent", "--ignore-scripts", "--no-audit", "--no-fund")
    _run(["npm", "ci", *quiet], folder, INSTALL_SECONDS)
    target = ("--target", "python", "--requirement", "requirements.txt")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-compile",
    ]
    _run([*pip, "--disable-pip-version-check", *target], folder, INSTALL_SECONDS)


def sent_by_node(*said: str) -> str:
    """What `send.mjs` prints."""
    folder = installed()
    return _run(["node", str(SCRIPTS / "send.mjs"), *said], folder, RUN_SECONDS)


def sent_by_python(*said: str) -> str:
    """What `send.py` prints."""
    return _run_python("send.py", *said)


def read_by_goatpie(*said: str) -> Any:
    """What `read.py` prints: goatpie's pages."""
    return json.loads(_run_python("read.py", *said))


def pages_written(*said: str) -> Any:
    """What `pages.mjs` prints: what plugins write into pages, by their names."""
    folder = installed()
    command = ["node", str(SCRIPTS / "pages.mjs"), *said]
    return json.loads(_run(command, folder, RUN_SECONDS))


def _run_python(script: str, *said: str) -> str:
    folder = installed()
    code = f"import sys; sys.path[:0] = [{str(folder / 'python')!r}]; {_RUN}"
    command = [sys.executable, "-c", code, str(SCRIPTS / script), *said]
    return _run(command, folder, RUN_SECONDS)


_RUN = "import runpy; sys.argv[:1] = []; runpy.run_path(sys.argv[0], None, '__main__')"


def _run(command: list[str], folder: Path, seconds: float) -> str:
    ended = subprocess.run(
        command,
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert ended.returncode == 0, f"{command}\n{ended.stdout}{ended.stderr}"
    return ended.stdout
