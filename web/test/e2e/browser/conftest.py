"""A real browser: one on the machine, else one that is fetched here."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Playwright, sync_playwright
from redis import Redis

from page_tracker.settings import Settings
from page_tracker.store.sites import Sites
from page_tracker.store.stream import Stream
from page_tracker.wiring.store import open_registry
from support.processes import running
from support.scene import SITES, Scene
from support.website import Website, website

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A person's: as a headless one it would be a bot, whose hits do not count. Set for the
# whole browser, as its language is: pages that are being left send with the browser's.
USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)
LANGUAGE = "de-AT"
# For what its address bar would show, each window has a page of its own, which takes as
# long as a test's. Of this switch the last one counts: the others are Playwright's.
NO_FEATURES = [
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "AimEnabled", "LensOverlay"),
    *("AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync"),
    *("HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "MediaRouter"),
    *("NetworkTimeServiceQuerying", "OptimizationHints", "PreconnectToSearch"),
    *("DestroyProfileOnBrowserClose", "PaintHolding", "ThirdPartyStoragePartitioning"),
]
OPTIONS = [
    f"--accept-lang={LANGUAGE}",
    "--disable-background-networking",
    "--disable-component-update",
    f"--disable-features={','.join(NO_FEATURES)}",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    f"--user-agent={USER_AGENT}",
    *(["--no-sandbox"] if os.getuid() == 0 else []),
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


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """The tests run in several processes; what fetches packages locks others out."""
    with open(Path(tempfile.gettempdir()) / "page-tracker-browser", "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _launched(playwright: Playwright) -> tuple[str, Browser]:
    problems = []
    ways: list[Callable[[], str]] = [
        _on_the_machine,
        partial(_playwrights_own, playwright),
        _debians,
    ]
    for way in ways:
        try:
            path = way()
            return path, playwright.chromium.launch(executable_path=path, args=OPTIONS)
        except (LookupError, Error) as error:
            problems.append(str(error))
    raise pytest.fail.Exception("\n".join([MISSING, *problems]), pytrace=False)


# While it drives a browser playwright runs an event loop; other modules run their own.
@pytest.fixture(scope="module")
def found() -> Iterator[tuple[str, Browser]]:
    """The path of a Chromium, and the headless browser that was launched from it."""
    with sync_playwright() as playwright:
        with _one_at_a_time():
            path, launched = _launched(playwright)
        with launched:
            yield path, launched


@pytest.fixture(scope="module")
def browser(found: tuple[str, Browser]) -> Browser:
    """A headless Chromium."""
    return found[1]


@pytest.fixture
def untended(
    found: tuple[str, Browser], tmp_path: Path
) -> Iterator[Callable[[str], None]]:
    """Opens an address in a Chromium that nobody drives.

    One that is driven keeps no page in its memory and loads none ahead.
    """
    with ExitStack() as stack:

        def open_address(address: str) -> None:
            options = [*OPTIONS, "--headless=new", f"--user-data-dir={tmp_path}"]
            process = stack.enter_context(
                subprocess.Popen(
                    [found[0], *options, "--remote-debugging-port=0", address],
                    stderr=subprocess.DEVNULL,
                )
            )
            stack.callback(process.terminate)

        yield open_address


@pytest.fixture(scope="module")
def server_url(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A server that accepts hits; nobody takes them out of its stream."""
    folder = tmp_path_factory.mktemp("collecting")
    settings = Settings(redis_url=redis_url, data=folder)
    with Redis.from_url(redis_url) as redis:
        sites = Sites(open_registry(settings, redis))
        for site, chosen in SITES.items():
            if sites.directory().resolve(site) is None:
                sites.add(site, chosen)
    command = (
        "gunicorn --config python:page_tracker.gunicorn_config"
        " --bind 127.0.0.1:0 --log-level info"
    )
    environment = {"REDIS_URL": redis_url, "PAGE_TRACKER_DATA": str(folder)}
    output = folder / "output"
    with running(output, command.split(), "Listening at", **environment) as server:
        yield server.url


@pytest.fixture
def site() -> Iterator[Website]:
    with website() as site:
        yield site


@pytest.fixture
def scene(
    browser: Browser, site: Website, server_url: str, redis_client: Redis
) -> Iterator[Scene]:
    """Any error on the page fails the test."""
    errors: list[str] = []
    stream = Stream(redis_client)
    with browser.new_context() as context:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield Scene(context, page, site, server_url, stream, stream.last())
    assert not errors
