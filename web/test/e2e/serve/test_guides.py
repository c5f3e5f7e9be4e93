"""The guides' commands, run beside a real server, and what they say is answered."""

import itertools
import re
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from page_tracker.hits.hit import Reason
from support import commands as typed
from support import processes
from support.documentation import page
from support.guides import SERVER, SITE, blocks, commands, section
from support.hitting import BROWSER
from support.importing import line
from support.pace import ANSWER_SECONDS
from support.processes import BIN, Running, clean_environment, serving, wait_until

pytestmark = pytest.mark.timeout(300)

GUIDES = [
    *("guides/exclude-yourself", "guides/count-a-badge", "guides/from-another-tracker"),
    *("guides/frameworks", "guides/nothing-is-counted", "start/machine-size"),
]
ENDLESS = (
    "--follow"  # runs until it is stopped: test/integration/history/test_follow.py
)
OF_THE_SITE_S_OWN_SERVER = f"curl -s https://{SITE}/"


@dataclass(frozen=True)
class Site:
    """A site of a running server, and where commands about it are typed."""

    name: str
    url: str
    data: Path
    folder: Path

    def meant(self, text: str) -> str:
        """What a guide says, of this server and this site."""
        return text.replace(SERVER, self.url).replace(SITE, self.name)

    def pasted(self, command: str) -> str:
        """What a guide's command says in a shell, which has to succeed."""
        said = subprocess.run(
            ("/bin/sh", "-ec", self.meant(command)),
            env=clean_environment(
                PAGE_TRACKER_DATA=str(self.data), PATH=f"{BIN}:/usr/bin:/bin"
            ),
            cwd=self.folder,
            capture_output=True,
            check=False,
            text=True,
            timeout=ANSWER_SECONDS,
        )
        assert said.returncode == 0, f"{command}\n{said.stdout}{said.stderr}"
        return said.stdout


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with served_in(tmp_path_factory.mktemp("guides")) as server:
        yield server


def served_in(folder: Path) -> AbstractContextManager[Running]:
    return serving(folder / "data", PAGE_TRACKER_TRUSTED_PROXIES="127.0.0.1")


def new_site(name: str, server: Running, folder: Path) -> Site:
    data = server.output.with_name("data")
    processes.command("site", "add", name, "--data", str(data))
    return Site(name, server.url, data, folder)


NUMBERS = itertools.count(1)


@pytest.fixture
def site(server: Running, tmp_path: Path) -> Site:
    """A site that no other test has, of the server that they share."""
    return new_site(f"guide{next(NUMBERS)}.example", server, tmp_path)


@pytest.mark.parametrize("name", GUIDES)
def test_every_command_of_a_guide_runs(site: Site, tmp_path: Path, name: str) -> None:
    (tmp_path / "access.log").write_text(line("/a", 0))
    badge = f"{site.url}/hit/my-project.svg?site={site.name}"
    requests.get(badge, timeout=ANSWER_SECONDS)
    run = [
        each
        for each in commands(name)
        if ENDLESS not in each and not each.startswith(OF_THE_SITE_S_OWN_SERVER)
    ]
    assert run
    for command in run:
        if command != f"page-tracker site add {SITE}":  # it is there
            site.pasted(command)


def test_the_browser_s_line_and_the_page_s_own_are_told_by_grep(
    site: Site, tmp_path: Path
) -> None:
    shown = site.pasted(f"page-tracker site show {SITE}")
    (tmp_path / "page.html").write_text(shown)
    for name in ("guides/frameworks", "guides/nothing-is-counted"):
        [command] = [
            each for each in commands(name) if each.startswith(OF_THE_SITE_S_OWN_SERVER)
        ]
        local = command.replace(f"https://{SITE}/", f"file://{tmp_path}/page.html")
        assert "data-domain" in site.pasted(local)


def test_a_view_by_hand_counts_and_its_answer_says_why_another_does_not(
    tmp_path: Path,
) -> None:
    """On a server of its own: the doctor would tell others of the unknown site."""
    name = "guides/nothing-is-counted"
    by_hand = next(each for each in commands(name) if each.startswith("curl -i"))
    assert BROWSER in by_hand
    with served_in(tmp_path) as server:
        site = new_site(SITE, server, tmp_path)
        answer = site.pasted(by_hand)
        assert answer.startswith("HTTP/1.1 202") and "dropped" not in answer

        processes.command("site", "remove", SITE, "--yes", "--data", str(site.data))
        heading = "It arrives, and does not count"
        [said] = blocks(name, heading, "text", site.url, SITE)
        wait_until(lambda: said in site.pasted(by_hand))
        doctor = typed.run(
            *("doctor", "--data", str(site.data)), environment=clean_environment()
        ).stdout
    assert (
        "unknown sites: hits arrived today for unknown sites and were not counted:"
        f" {SITE}" in doctor
    )


def test_every_reason_of_a_drop_is_in_the_guide_and_no_other() -> None:
    text = section("guides/nothing-is-counted", "It arrives, and does not count")
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", text, re.MULTILINE)
    named = re.findall(r"`(\w+)`", " ".join(rows))

    assert sorted(named) == sorted(Reason)


def test_whoever_asks_is_told_his_address_and_left_out_by_it(
    site: Site,
) -> None:
    name = "guides/exclude-yourself"
    asking, excluding = commands(name)[:2]
    assert site.pasted(asking) == "127.0.0.1"
    named = excluding.replace("203.0.113.7", "127.0.0.1")
    site.pasted(named)

    dropped = "X-Page-Tracker-Dropped"
    wait_until(lambda: "own_address" in view(site).headers.get(dropped, ""))
    live = site.pasted(f"page-tracker query {SITE} --live")
    assert re.search(r"NOT COUNTED TODAY +HITS\nown_address 127\.0\.0\.1", live)


def view(site: Site) -> requests.Response:
    return requests.post(
        f"{site.url}/api/event",
        json={"name": "pageview", "url": f"https://{site.name}/"},
        headers={"User-Agent": BROWSER},
        timeout=ANSWER_SECONDS,
    )


def test_badges_count_or_show_as_the_table_says(
    site: Site,
) -> None:
    guide = site.meant(page("guides/count-a-badge"))
    rows = re.findall(r"^\| (an? .*|the .*) \| `(/.*)` \|$", guide, re.M)
    assert len(rows) == 6
    person = {"User-Agent": BROWSER}

    def shown() -> str:
        at = f"{site.url}/counter/my-project.json?site={site.name}"
        return str(requests.get(at, timeout=ANSWER_SECONDS).json()["count"])

    assert (
        requests.get(f"{site.url}{rows[4][1]}", timeout=ANSWER_SECONDS).status_code
        == 404
    )
    assert shown() == "0"
    for what, address in rows:
        before = int(shown())
        answer = requests.get(
            site.url + address, headers=person, timeout=ANSWER_SECONDS
        )
        assert answer.status_code == 200
        assert int(shown()) == before + ("that counts" in what)
        if "number" in what:
            number = answer.json()["count"] if "json" in address else answer.text
            assert int(number) == before

    [markdown] = blocks(
        "guides/count-a-badge", "Count with a badge", "markdown", site.url, site.name
    )
    address = markdown.partition("(")[2].partition(")")[0]
    assert (
        "visits: 3"
        in requests.get(address, headers=person, timeout=ANSWER_SECONDS).text
    )

    hidden = f"page-tracker site set {SITE} --public-counter no"
    assert hidden in page("guides/count-a-badge").replace("\n", " ")
    site.pasted(hidden)
    pixel = rows[1][1]
    for _, address in rows:
        status = 200 if address == pixel else 403
        wait_until(
            lambda at=address, code=status: requests.get(  # type: ignore[misc]
                site.url + at, headers=person, timeout=ANSWER_SECONDS
            ).status_code
            == code
        )
