"""docs/start/first-day.md, done as it says, with a real page in a real browser."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from support.documentation import ROOT, page
from support.processes import clean_environment, running, serving, wait_until
from support.transcripts import Step, printed, section, steps

DAY = page("start/first-day")
SERVER, WEBSITE_PORT = "http://127.0.0.1:8000", "8080"
DATA = Path(".local", "share", "page-tracker")

pytestmark = pytest.mark.timeout(900)  # A browser may have to be fetched.


@dataclass(frozen=True)
class Person:
    """Who types the page's commands, at home, in a folder; their server's address."""

    home: Path
    folder: Path
    server: str = SERVER

    def does(self, heading: str, which: slice = slice(None)) -> None:
        """Do a section, each command until it prints what the page shows."""
        for step in steps(section(DAY, heading))[which]:
            wait_until(partial(self._sees, step), partial(str, step.command))

    def _sees(self, step: Step) -> bool:
        environment = clean_environment(
            HOME=str(self.home), PATH=os.environ["PATH"], XDG_DATA_HOME=""
        )
        output = printed(step, self.folder, environment)
        return step.output in output.replace(self.server, SERVER)


@contextmanager
def my_site(folder: Path, server: str) -> Iterator[str]:
    """The page's own little website, as it says to serve it; its address."""
    [html] = re.findall(r"```html\n(.+?)```", DAY, re.DOTALL)
    (folder / "index.html").write_text(html.replace(SERVER, server))
    [step] = steps(section(DAY, "3. Put the line into a page"))
    command = [
        {WEBSITE_PORT: "0", "my-site": str(folder)}.get(word, word)
        for word in step.command.split()
    ]
    with running(folder / "output", command) as server_of_pages:
        port = server_of_pages.url.rpartition(":")[2]
        yield f"http://localhost:{port}/"


def test_the_first_day_goes_as_it_is_told(browser: Browser, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    (first / DATA).parent.mkdir(parents=True)
    second.mkdir()
    [start] = steps(section(DAY, "1. Install"))
    assert start.command == "scripts/serve"  # which is tried as `serving` here

    with serving(first / DATA, XDG_DATA_HOME="") as server:
        assert start.output.splitlines()[-1] in server.said()
        person = Person(first, ROOT, server.url)
        person.does("2. Add a site")
        with my_site(tmp_path, server.url) as address, browser.new_context() as context:
            tab = context.new_page()
            tab.goto(address)
            person.does("4. See the first visitor")
            tab.reload()
            person.does("5. Ask the first question")

    moving = "Back up, and move to another computer"
    Person(first, first).does(moving, slice(0, 1))
    (first / "page-tracker.tar.gz").rename(second / "page-tracker.tar.gz")
    mover = Person(second, second)
    mover.does(moving, slice(1, 3))  # it is unpacked
    [serve, environment] = steps(section(DAY, moving))[3:5]
    assert (serve.command, environment.command) == (
        *("scripts/serve", ". .venv/bin/activate"),
    )
    mover.does(moving, slice(5, None))
    mover.does("Remove it")
    assert not (second / DATA).exists()
