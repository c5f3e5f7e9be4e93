"""Every command of the documentation is run, or there is a reason why it is not."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from page_tracker.cli import main
from support.documentation import PAGES, ROOT
from support.processes import clean_environment, command, serving
from support.transcripts import Step, printed, steps

HERE = Path(__file__).parents[1]
# The pages whose commands are run from the first to the last, and by which test.
WHOLE = {
    "README.md": "e2e/serve/test_readme.py",
    "docs/start/first-day.md": "e2e/browser/test_first_day.py",
    "docs/guides/asking.md": "integration/query/test_docs_asking.py",
    "docs/guides/importing.md": "integration/history/test_docs_of_importing.py",
    "docs/guides/clickhouse.md": "integration/query/test_clickhouse.py",
    "docs/guides/count-a-badge.md": "e2e/serve/test_guides.py",
    "docs/guides/exclude-yourself.md": "e2e/serve/test_guides.py",
    "docs/guides/experiments.md": "integration/query/test_docs_of_experiments.py",
    "docs/guides/frameworks.md": "e2e/serve/test_guides.py",
    "docs/guides/from-another-tracker.md": "e2e/serve/test_guides.py",
    "docs/guides/nothing-is-counted.md": "e2e/serve/test_guides.py",
    "docs/guides/proxied-script.md": "e2e/serve/test_proxied_script.py",
    "docs/guides/python.md": "../../client/test/test_applications.py",
    "docs/guides/switching-by-systemd.md": "e2e/serve/test_docs_of_switching.py",
    "docs/reference/flags.md": "integration/test_flags.py",
    "docs/start/machine-size.md": "e2e/serve/test_guides.py",
    "docs/start/server.md": "e2e/serve/test_docs_of_server.py",
}
# What no test runs as it stands, and why; the shell reads it all the same.
REASONS = {
    r"(sudo|brew) ": "changes the machine, as root",
    r"docker ": "needs Docker, with which test/pipeline runs the same services",
    r"scripts/|\.ci/run": "test/pipeline/test_workflow.py: the workflow runs it",
    r"git |cd ": "needs a place that the repository is fetched from",
    r"(page-tracker (serve|writer)|gunicorn|flask)\b": "runs on: see test/e2e/serve",
    r"pip (install|wheel .*) \./client": "scripts/setup installs it for these tests",
    r"page-tracker move": "needs a place to move to: test/fault/test_move.py has one",
    r"page-tracker update": "fetches: test_update.py does it with files of its own",
    r".*\[[-A-Z]": "a synopsis: what stands in brackets may be left out",
}
SET = r"(?:[A-Z_]+=\S+ )*"  # variables for one command
PROGRAM = re.compile(
    SET
    + r"((sudo|brew|docker|git|cd|page-tracker|gunicorn|flask|curl|pip|npm|tar|cat|\.) "
    r"|scripts/|\.ci/run)"
)
MENTIONED = re.compile(
    r"^    .*?(page-tracker .+)$|`(page-tracker [^`]+)`", re.MULTILINE
)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
ADDRESS = "https://stats.example.com"


def commands_of(path: Path) -> list[Step]:
    return [
        step for step in steps(path.read_text("utf-8")) if PROGRAM.match(step.command)
    ]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def to_be_run(path: Path) -> list[Step]:
    """The commands of a page that no other test runs, and none has a reason not to."""
    if name_of(path) in WHOLE:
        return []
    reason = re.compile(f"{SET}({'|'.join(REASONS)})")
    return [step for step in commands_of(path) if not reason.match(step.command)]


@dataclass(frozen=True)
class Served:
    """A server for all pages, and the environment in which their commands run."""

    url: str
    environment: dict[str, str]

    def has(self, site: str) -> bool:
        listed = json.loads(self.said("site", "list", "--json"))
        return site in [each["domain"] for each in listed]

    def said(self, *words: str) -> str:
        return command(*words, **self.environment)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("served") / "data"
    token = ["token", "add", "--all-sites", "--scope", "admin"]
    with serving(data) as server:
        environment = clean_environment(
            BROWSER=BROWSER,
            PAGE_TRACKER_DATA=str(data),
            PATH=os.environ["PATH"],
            TOKEN=command(*token, PAGE_TRACKER_DATA=str(data)).strip(),
        )
        yield Served(server.url, environment)


@pytest.mark.parametrize("path", [*filter(to_be_run, PAGES)], ids=name_of)
def test_every_other_command_runs_and_prints_what_is_shown(
    path: Path, served: Served, tmp_path: Path
) -> None:
    text = path.read_text("utf-8")
    for site in ("example.com", "example.org"):
        is_added = f"page-tracker site add {site}" in text
        if is_added and served.has(site):
            served.said("site", "remove", site, "--yes")
        elif not is_added and not served.has(site):
            served.said("site", "add", site)
    for step in to_be_run(path):
        typed = Step(step.command.replace(ADDRESS, served.url))
        said = printed(typed, tmp_path, served.environment)
        assert step.output.strip() in said.replace(served.url, ADDRESS), step


def test_the_tests_of_whole_pages_are_there() -> None:
    for page, test in WHOLE.items():
        assert (ROOT / page).exists()
        assert Path(page).stem in (HERE / test).read_text("utf-8")


@pytest.mark.parametrize("path", [*filter(commands_of, PAGES)], ids=name_of)
def test_the_shell_understands_every_command(path: Path) -> None:
    script = "\n".join(step.command for step in commands_of(path))
    read = ["/bin/sh", "-n", "-c", re.sub(r"<[a-z ]+>", "WORD", script)]

    ended = subprocess.run(read, capture_output=True, check=False, text=True)

    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_command_and_option_that_is_named_exists(path: Path) -> None:
    mentioned = MENTIONED.findall(path.read_text("utf-8"))

    assert [each for found in mentioned for each in _unknown("".join(found))] == []


def _unknown(text: str) -> Iterator[str]:
    """The options, and the command's name, of a line that the program does not have."""
    command_, *words = [re.split(r"[|>\]]", word)[0] for word in _words(text)]
    found: click.Command = main
    for word in words:
        if isinstance(found, click.Group):
            inner = found.get_command(click.Context(found), word)
            if inner is None:
                if re.fullmatch("[a-z]+", word):  # else it is a path of that name
                    yield f"{command_} {word}"
                return
            found = inner
        elif word.startswith("--") and word not in _options(found):
            yield f"{found.name} {word}"


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text.replace("[", ""))
    except ValueError:  # An apostrophe: these are words about a command.
        return text.split()


def _options(command_: click.Command) -> set[str]:
    return {name for option in command_.params for name in option.opts} | {"--help"}
