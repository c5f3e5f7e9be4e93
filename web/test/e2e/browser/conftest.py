"""A real browser: one on the machine, else one that is fetched here."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from playwright.sync_api import Browser, Error, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]
FETCH_SECONDS = 300
MISSING = (
    "no browser could be had: install Chromium (on Debian: apt-get install chromium)"
)


def _on_the_machine() -> str:
    for name in NAMES:
        if path := shutil.which(name):
            return path
    raise LookupError("no Chromium is on the PATH")


def _playwrights_own(playwright: Playwright) -> str:
    if not os.path.exists(playwright.chromium.executable_path):
        _run(sys.executable, "-m", "playwright", "install", "chromium")
    return playwright.chromium.executable_path


def _debians() -> str:
    if os.getuid() != 0 or not shutil.which("apt-get"):
        raise LookupError("apt-get needs root on Debian")
    _run("apt-get", "update", "-qq")
    _run("apt-get", "install", "-qq", "--no-install-recommends", "chromium")
    return _on_the_machine()


def _run(*command: str) -> None:
    """Run a command that fetches something; raises LookupError where it fails."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(
            command,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=FETCH_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        raise LookupError(f"{command[0]}: {error.stderr.strip()[-300:]}") from error
    except subprocess.TimeoutExpired as error:
        raise LookupError(f"{' '.join(command)} took too long") from error


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    options = OPTIONS + (["--no-sandbox"] if os.getuid() == 0 else [])
    problems = []
    with sync_playwright() as playwright:
        ways: list[Callable[[], str]] = [
            _on_the_machine,
            partial(_playwrights_own, playwright),
            _debians,
        ]
        for way in ways:
            try:
                launched = playwright.chromium.launch(
                    executable_path=way(), args=options
                )
            except (LookupError, Error) as error:
                problems.append(str(error))
                continue
            with launched:
                yield launched
            return
        pytest.fail("\n".join([MISSING, *problems]), pytrace=False)
