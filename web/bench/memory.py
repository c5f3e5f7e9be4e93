"""What the idle server takes: memory (PSS) of all processes of `page-tracker serve`.

    python bench/memory.py [--workers 2] [--seconds 20] [--log FILE]

With an access log: after that was imported and the writer has closed its days. Beside
it, in the same run: a Python that has imported Flask and nothing else.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time

import psutil

from page_tracker.lake.table import Lake

SITE = "example.com"
MEGABYTE = 1_000_000
BARE = "import flask, time; print(flush=True); time.sleep(600)"


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        command = ["page_tracker", "serve", "--port", "0", "--data", f"{folder}/data"]
        command += ["--workers", str(options.workers)]
        with _running("-m", *command) as server, _running("-c", BARE) as bare:
            if options.log:
                _import(options.log, f"{folder}/data")
            time.sleep(options.seconds)
            root = psutil.Process(server.pid)
            sizes = {
                each: _pss(each) for each in [root, *root.children(recursive=True)]
            }
            for process, size in sizes.items():
                name = " ".join(process.cmdline())[-60:]
                print(f"{size / MEGABYTE:7.1f} MB  {name}")
            total, beside = sum(sizes.values()), _pss(psutil.Process(bare.pid))
            print(
                f"{total / MEGABYTE:7.1f} MB  in all; bare Flask"
                f" {beside / MEGABYTE:.1f} MB, {total / beside:.1f} of it"
            )
            for process in (server, bare):
                process.terminate()


def _running(*arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    process.stdout.readline()
    return process


def _import(log: str, data: str) -> None:
    """Import a log, and wait until its days are closed."""
    for words in (("site", "add", SITE), ("import", SITE, log)):
        command = [sys.executable, "-m", "page_tracker", *words, "--data", data]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    tabled = Lake(f"{data}/lake")
    while not tabled.snapshot("days").file_uris():
        time.sleep(1)


def _pss(process: psutil.Process) -> int:
    size: int = process.memory_full_info().pss
    return size


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--log")
    return parser.parse_args()


if __name__ == "__main__":
    main()
