"""A server with a copy of a lake, and somebody who has signed in there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import requests
from filled import SITE

TOKEN = re.compile(r'name="token" value="(\w+)"')
LINK = re.compile(r"(https?://\S+)(/welcome/\S+)")


@contextmanager
def served(lake: Path) -> Iterator[tuple[str, requests.Session]]:
    """The server's address, and the session of who has signed in."""
    with TemporaryDirectory(prefix="page-tracker-served-", dir=lake.parent) as made:
        data, copy = Path(made) / "data", Path(made) / "lake"
        subprocess.run(["cp", "-al", lake, copy], check=True)
        command = [sys.executable, "-m", "page_tracker"]
        subprocess.run(
            [*command, "site", "add", SITE, "--data", str(data)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        with subprocess.Popen(
            [*command, "serve", "--port", "0", "--data", data, "--lake", copy]
            + ["--trusted-proxies", "127.0.0.0/8"],  # senders of hits name addresses
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                yield _signed_in(process)
            finally:
                process.terminate()
                process.wait()


def _signed_in(process: subprocess.Popen[str]) -> tuple[str, requests.Session]:
    said = ""
    while not (link := LINK.search(said)):
        said += process.stdout.readline() if process.stdout else ""
    threading.Thread(target=process.communicate, daemon=True).start()
    session = requests.Session()
    fields = {"name": "ada", "password": "quiet river under old bridges"}
    if token := TOKEN.search(session.get(link[1] + link[2]).text):
        fields["token"] = token[1]
    session.post(link[1] + link[2], data=fields).raise_for_status()
    time.sleep(2)  # all workers know the account by then
    return link[1], session
