"""Commands of `page-tracker`, each a process of its own that imports nothing first.

A server that has imported the application forks them: so hundreds of commands cost what
they do, and not what it takes to load DuckDB and deltalake for each.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from page_tracker.cli import main
from support.pace import PACE

_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(
    ["support.commands", "deltalake", "duckdb", "page_tracker.commands.query"]
)


def run(
    *arguments: str,
    environment: dict[str, str],
    folder: Path = Path(),
    seconds: float = 60 * PACE,
) -> subprocess.CompletedProcess[str]:
    """What a command says that works in a folder, in just this environment.

    Raises AssertionError where it has not ended in time.
    """
    with TemporaryDirectory() as kept:
        output, errors = Path(kept, "output"), Path(kept, "errors")
        process = _FORKING.Process(
            target=_become, args=(arguments, environment, folder, output, errors)
        )
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise AssertionError(f"{arguments} has not ended in {seconds:.0f} s")
        code = process.exitcode
        process.close()
        return subprocess.CompletedProcess(
            arguments,
            code,
            output.read_text(encoding="utf-8"),
            errors.read_text(encoding="utf-8"),
        )


def _become(
    arguments: tuple[str, ...],
    environment: dict[str, str],
    folder: Path,
    output: Path,
    errors: Path,
) -> None:
    """Be that command: the interpreter as it would have been started for it."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, path in ((1, output), (2, errors)):
        written = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.dup2(written, number)
        os.close(written)
    sys.argv = ["page-tracker", *arguments]
    main()
