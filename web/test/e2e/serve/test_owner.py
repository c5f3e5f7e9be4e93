"""What an owner does beside a running server, and without one."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests
from redis import Redis

from page_tracker.lake.table import Lake
from page_tracker.processes import embedded
from page_tracker.settings import Settings
from page_tracker.store.registry import Registry
from page_tracker.store.sites import Sites
from page_tracker.writer.service import TICK
from support import commands, processes
from support.hitting import BROWSER
from support.importing import line, write
from support.lake import paths
from support.pace import ANSWER_SECONDS
from support.processes import (
    clean_environment,
    refusal,
    serving,
    store_of,
    wait_until,
)


def page_tracker(data: Path, *command: str) -> str:
    """What a command that succeeds says on standard output."""
    return processes.command(*command, "--data", str(data))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.strip()}"}


@dataclass(frozen=True)
class Served:
    """A server whose folder had a site and an admin's token before it was started."""

    data: Path
    url: str
    token: str


@pytest.fixture(scope="module", name="served")
def serve_a_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_from(tmp_path_factory.mktemp("served") / "data") as found:
        yield found


@pytest.fixture(scope="module", name="behind_a_proxy")
def serve_behind_a_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Other sites' hits come to it, too, of which the doctor would tell."""
    trusting = {"PAGE_TRACKER_TRUSTED_PROXIES": "127.0.0.1"}
    with served_from(tmp_path_factory.mktemp("proxy") / "data", **trusting) as found:
        yield found


@contextmanager
def served_from(data: Path, **settings: str) -> Iterator[Served]:
    page_tracker(data, "site", "add", "first.example")
    token = page_tracker(data, "token", "add", "--all-sites", "--scope", "admin")
    with serving(data, **settings) as server:
        yield Served(data, server.url, token)


def test_sites_and_tokens_made_before_the_server_starts_are_its_own(
    served: Served,
) -> None:
    listed = requests.get(
        f"{served.url}/api/sites", timeout=ANSWER_SECONDS, headers=bearer(served.token)
    ).json()
    assert "first.example" in [site["domain"] for site in listed["sites"]]


def test_the_line_for_pages_names_the_server_that_runs(served: Served) -> None:
    said = page_tracker(served.data, "site", "add", "line.example")
    source = re.search('src="([^"]+)"', said)
    assert source and source[1] == f"{served.url}/js/script.js"
    assert requests.get(source[1], timeout=ANSWER_SECONDS).ok


def test_commands_and_a_running_server_see_each_other(served: Served) -> None:
    page_tracker(served.data, "site", "add", "seen.example")
    token = page_tracker(served.data, "token", "add", "--all-sites", "--scope", "admin")
    changed = requests.patch(
        f"{served.url}/api/sites/seen.example",
        json={"timezone": "Asia/Tokyo", "max_pages": 5},
        headers=bearer(token),
        timeout=ANSWER_SECONDS,
    )
    assert changed.status_code == 200, changed.text
    said = page_tracker(served.data, "site", "show", "seen.example", "--json")
    shown = json.loads(said)
    assert (shown["max_pages"], shown["next_timezone"]) == (5, "Asia/Tokyo")


def test_an_emptied_store_starts_with_the_sites_and_tokens_of_its_mirror(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    page_tracker(data, "site", "add", "a.example", "--timezone", "Asia/Tokyo")
    token = page_tracker(data, "token", "add", "--all-sites", "--scope", "admin")
    for file in (data / "redis" / "appendonlydir").iterdir():
        file.unlink()
    with serving(data) as server:
        shown = requests.get(
            f"{server.url}/api/sites/a.example",
            timeout=ANSWER_SECONDS,
            headers=bearer(token),
        )
    assert shown.json()["timezone"] == "Asia/Tokyo"


def test_a_badge_shows_what_the_lake_has_after_redis_lost_everything(
    tmp_path: Path,
) -> None:
    data, log = tmp_path / "data", tmp_path / "access.log"
    write(log, [line("/page", minute) for minute in range(7)])
    page_tracker(data, "site", "add", "a.example")
    with serving(data) as server, store_of(data) as redis:
        page_tracker(data, "import", "a.example", str(log))
        view(server.url, "a.example", "/page")
        assert shown(server.url) == "8"
        wait_until(lambda: paths(Lake(str(data / "lake"))) == ["/page"] * 8)
        redis.flushall()
        view(server.url, "a.example", "/page")
        wait_until(lambda: shown(server.url) == "9")
        time.sleep(2 * TICK)  # in which the writer could count what it has again
        assert shown(server.url) == "9"
        page_tracker(data, "delete", "a.example", "--to", "2024-12-31", "--yes")
        assert shown(server.url) == "2"
        told = page_tracker(data, "annotation", "list", "a.example")
        assert "2024-12-31" in told and "7 hits deleted on" in told
        listed = page_tracker(data, "import", "a.example", "--list")
    assert "7 (7 deleted)" in listed


def shown(url: str) -> str:
    """The count on the page's badge."""
    badge = requests.get(
        f"{url}/counter/page.txt?site=a.example", timeout=ANSWER_SECONDS
    )
    return badge.text.strip()


def doctor(data: Path, *options: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit status, and what was found by name (the last of a name)."""
    ended = commands.run(
        *("doctor", "--json", "--data", str(data), *options),
        environment=clean_environment(),
    )
    return ended.returncode, {each["name"]: each for each in json.loads(ended.stdout)}


def test_the_doctor_finds_a_running_server_well_and_leaves_no_token(
    served: Served,
) -> None:
    before = page_tracker(served.data, "token", "list", "--json")
    status, found = doctor(served.data)
    assert status == 0, found
    assert found["address"]["says"].endswith("it is at the socket's other end")
    assert page_tracker(served.data, "token", "list", "--json") == before


def test_the_doctor_says_how_to_start_a_server(tmp_path: Path) -> None:
    data = tmp_path / "data"
    page_tracker(data, "site", "add", "a.example")
    status, found = doctor(data)
    assert status == 1
    assert found["web"]["remedy"].startswith("page-tracker serve")


@contextmanager
def proxy_before(url: str) -> Iterator[str]:
    """A reverse proxy that says whom it asks for, as proxies do; its address."""

    class Proxy(BaseHTTPRequestHandler):
        """Hands on GET requests."""

        def do_GET(self) -> None:  # pylint: disable=invalid-name # its name there
            headers = dict(self.headers) | {"X-Forwarded-For": "203.0.113.9"}
            answer = requests.get(
                url + self.path, headers=headers, timeout=ANSWER_SECONDS
            )
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_the_doctor_tells_of_a_proxy_that_is_not_trusted(served: Served) -> None:
    with proxy_before(served.url) as url:
        status, found = doctor(served.data, "--url", url)
    assert status == 1
    assert "PAGE_TRACKER_TRUSTED_PROXIES" in found["address"]["remedy"]


def test_the_doctor_finds_a_proxy_well_that_is_trusted(behind_a_proxy: Served) -> None:
    with proxy_before(behind_a_proxy.url) as url:
        _, found = doctor(behind_a_proxy.data, "--url", url)
    assert found["address"]["ok"], found
    assert "sees us as 203.0.113.9" in found["address"]["says"]


def view(url: str, site: str, path: str) -> str:
    """Send a page view; returns the reason for which it was dropped, if it was."""
    answer = requests.post(
        f"{url}/api/event",
        json={"n": "pageview", "u": f"https://{site}{path}", "d": site},
        headers={"User-Agent": BROWSER},
        timeout=ANSWER_SECONDS,
    )
    assert answer.status_code == 202, answer.text
    return answer.headers.get("x-plausible-dropped", "")


@pytest.mark.parametrize("way", ["command", "http"])
def test_a_new_site_counts_at_once_and_a_removed_one_is_gone_with_its_hits(
    behind_a_proxy: Served, way: str
) -> None:
    gone, kept = f"{way}.gone.example", f"{way}.kept.example"
    lake = Lake(str(behind_a_proxy.data / "lake"))

    def stored() -> set[str]:
        return {path for path in paths(lake) if path.startswith(f"/{way}")}

    assert view(behind_a_proxy.url, gone, "/early")
    for site in (gone, kept):
        page_tracker(behind_a_proxy.data, "site", "add", site)
        assert not view(behind_a_proxy.url, site, f"/{site}")
    wait_until(lambda: len(stored()) == 2)
    if way == "http":
        removed = requests.delete(
            f"{behind_a_proxy.url}/api/sites/{gone}",
            headers=bearer(behind_a_proxy.token),
            timeout=ANSWER_SECONDS,
        )
        assert (removed.status_code, removed.text) == (204, "")
    else:
        page_tracker(behind_a_proxy.data, "site", "remove", gone, "--yes")
    assert stored() == {f"/{kept}"}
    assert view(behind_a_proxy.url, gone, "/late")
    assert not view(behind_a_proxy.url, kept, "/late")
    assert f"/{gone}" not in "".join(
        file.read_bytes().decode("latin-1")
        for file in (behind_a_proxy.data / "redis").rglob("*")
        if file.is_file()
    )


def test_a_removal_that_was_killed_half_way_is_finished_by_another(
    tmp_path: Path,
) -> None:
    data, log = tmp_path / "data", write(tmp_path / "access.log", [line("/page")])
    lake = Lake(str(data / "lake"))
    page_tracker(data, "site", "add", "a.example")
    page_tracker(data, "import", "a.example", str(log))
    assert paths(lake)
    with embedded.redis_of(Settings(data=data)) as url:
        with Redis.from_url(url) as client:
            Sites(Registry(client, data)).remove("a.example")
    page_tracker(data, "site", "remove", "a.example", "--yes")
    assert not paths(lake)
    ended = refusal("site", "remove", "a.example", "--yes", "--data", str(data))
    assert ended[0] == 1 and "there is no site 'a.example'" in ended[1]


def test_nothing_is_removed_without_a_yes(tmp_path: Path) -> None:
    data = tmp_path / "data"
    page_tracker(data, "site", "add", "a.example")
    status, _ = refusal("site", "remove", "a.example", "--data", str(data))
    assert status == 1
    assert json.loads(page_tracker(data, "site", "list", "--json"))
