"""Versions in environments of their own, and what each answers about the same data."""

from __future__ import annotations

import gzip
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import requests

from support.containers import ROOT
from support.hitting import SITE, Sender
from support.pace import ANSWER_SECONDS
from support.processes import Running, clean_environment, running, wait_until

UV = ROOT / ".venv-pipeline" / "bin" / "uv"
LOG = ROOT / "web" / "test" / "data" / "apache_combined.log.gz"
# Before there is a release: sources that answered as it is documented.
OLDEST = "b396fce6c67bc2ab5d69fb20fb58b483ee8d20b2"
# The log's days are over, so their sums are kept; today's hits are read one by one.
FIGURES = ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration"]
QUESTIONS: tuple[dict[str, Any], ...] = (
    {"metrics": FIGURES},
    {"metrics": FIGURES, "dimensions": ["event:page"]},
    {"metrics": FIGURES, "dimensions": ["visit:source"]},
    {"metrics": FIGURES, "dimensions": ["visit:entry_page", "visit:browser"]},
    {"metrics": ["visitors"], "dimensions": ["visit:exit_page"]},
    {"metrics": ["events"], "dimensions": ["event:name", "visit:country_name"]},
    {
        "metrics": ["visitors", "pageviews"],
        "dimensions": ["time:day"],
        "date_range": ["2015-05-17", "2015-05-18"],
    },
    {
        "metrics": FIGURES,
        "filters": [["contains", "event:page", ["/blog"]]],
        "dimensions": ["time:hour"],
        "date_range": ["2015-05-18", "2015-05-18"],
    },
)


@dataclass(frozen=True)
class Version:
    """A version that is installed, and a folder of data."""

    programs: Path
    data: Path

    def command(self, *arguments: str) -> str:
        """What one of its commands says that succeeds."""
        return subprocess.check_output(
            [self.programs / "page-tracker", *arguments],
            env=clean_environment(PAGE_TRACKER_DATA=str(self.data)),
            text=True,
        )

    @contextmanager
    def serving(self) -> Iterator[Running]:
        program = str(self.programs / "page-tracker")
        serve = (program, "serve", "--port", "0", "--data", str(self.data))
        with running(self.programs / "output", serve, "counts at") as server:
            yield server


def before() -> str:
    """The newest release before this commit; `OLDEST` while there is none."""
    tags = _git("tag", "--merged", "HEAD^", "--sort=-version:refname", "v*")
    return (tags or OLDEST).split("\n", maxsplit=1)[0]


def sources_of(version: str, folder: Path) -> Path:
    """The server's sources at a tag or a commit."""
    folder.mkdir()
    archive = folder / "sources.tar"
    _git("archive", f"--output={archive}", version, "web")
    with tarfile.open(archive) as sources:
        sources.extractall(folder, filter="data")
    return folder / "web"


def installed(what: Path, constraints: Path, folder: Path, data: Path) -> Version:
    """A wheel, or sources, in an environment of its own, with just these libraries."""
    uv = (UV, "--no-config", "--no-python-downloads", "--quiet")
    subprocess.run([*uv, "venv", folder], check=True)
    into = ("--python", folder, "--constraints", constraints)
    subprocess.run([*uv, "pip", "install", *into, what], check=True)
    return Version(folder / "bin", data)


def begin(version: Version) -> str:
    """Give it a site with a history; returns a token for asking."""
    version.command("site", "add", SITE)
    log = version.data.with_name("access.log")
    with gzip.open(LOG) as lines:
        log.write_bytes(b"".join(islice(lines, 3000)))  # two days
    version.command("import", SITE, str(log))
    return version.command("token", "add", "--site", SITE, "--scope", "stats").strip()


def answers(url: str, token: str) -> list[Any]:
    """The rows that a server answers each question with."""
    return [_rows(url, token, question) for question in QUESTIONS]


def send(url: str, token: str, pages: range) -> None:
    """A view of each page, which is then in every report."""
    sender = Sender(url)
    for page in pages:
        assert sender.send(f"/live/{page}")[0] == 202
    sender.close()
    seen = {
        "metrics": ["pageviews"],
        "filters": [["contains", "event:page", ["/live/"]]],
    }
    wait_until(lambda: _rows(url, token, seen)[0]["metrics"] == [pages.stop])


def _rows(url: str, token: str, question: dict[str, Any]) -> Any:
    answer = requests.post(
        f"{url}/api/v2/query",
        json={"site_id": SITE, "date_range": "all"} | question,
        headers={"Authorization": f"Bearer {token}"},
        timeout=ANSWER_SECONDS,
    )
    assert answer.ok, answer.text
    return answer.json()["results"]


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.check_output(command, cwd=ROOT, text=True).strip()
