"""The guides' commands, run beside a real server, and what they say is answered."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from page_tracker.hits.hit import Reason
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


@pytest.fixture(name="server")
def a_server_with_a_site(tmp_path: Path) -> Iterator[Running]:
    data = tmp_path / "data"
    with serving(data, PAGE_TRACKER_TRUSTED_PROXIES="127.0.0.1") as server:
        processes.command("site", "add", SITE, "--data", str(data))
        yield server


def pasted(command: str, server: Running, folder: Path) -> str:
    """What a command says in a shell, which has to succeed."""
    said = subprocess.run(
        ("/bin/sh", "-ec", command.replace(SERVER, server.url)),
        env=clean_environment(
            PAGE_TRACKER_DATA=str(folder / "data"), PATH=f"{BIN}:/usr/bin:/bin"
        ),
        cwd=folder,
        capture_output=True,
        check=False,
        text=True,
        timeout=ANSWER_SECONDS,
    )
    assert said.returncode == 0, f"{command}\n{said.stdout}{said.stderr}"
    return said.stdout


@pytest.mark.parametrize("name", GUIDES)
def test_every_command_of_a_guide_runs(
    server: Running, tmp_path: Path, name: str
) -> None:
    (tmp_path / "access.log").write_text(line("/a", 0))
    requests.get(f"{server.url}/hit/my-project.svg?site={SITE}", timeout=ANSWER_SECONDS)
    run = [
        each
        for each in commands(name)
        if ENDLESS not in each and not each.startswith(OF_THE_SITE_S_OWN_SERVER)
    ]
    assert run
    for command in run:
        if command != f"page-tracker site add {SITE}":  # it is there
            pasted(command, server, tmp_path)


def test_the_browser_s_line_and_the_page_s_own_are_told_by_grep(
    server: Running, tmp_path: Path
) -> None:
    shown = pasted(f"page-tracker site show {SITE}", server, tmp_path)
    (tmp_path / "page.html").write_text(shown)
    for name in ("guides/frameworks", "guides/nothing-is-counted"):
        [command] = [
            each for each in commands(name) if each.startswith(OF_THE_SITE_S_OWN_SERVER)
        ]
        local = command.replace(f"https://{SITE}/", f"file://{tmp_path}/page.html")
        assert "data-domain" in pasted(local, server, tmp_path)


def test_a_view_by_hand_counts_and_its_answer_says_why_another_does_not(
    server: Running, tmp_path: Path
) -> None:
    name = "guides/nothing-is-counted"
    by_hand = next(each for each in commands(name) if each.startswith("curl -i"))
    assert BROWSER in by_hand
    answer = pasted(by_hand, server, tmp_path)
    assert answer.startswith("HTTP/1.1 202") and "dropped" not in answer

    processes.command("site", "remove", SITE, "--yes", "--data", str(tmp_path / "data"))
    [said] = blocks(name, "It arrives, and does not count", "text", server.url, SITE)
    wait_until(lambda: said in pasted(by_hand, server, tmp_path))
    doctor = subprocess.run(
        (BIN / "page-tracker", "doctor", "--data", tmp_path / "data"),
        capture_output=True,
        check=False,
        text=True,
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
    server: Running, tmp_path: Path
) -> None:
    name = "guides/exclude-yourself"
    asking, excluding = commands(name)[:2]
    assert pasted(asking, server, tmp_path) == "127.0.0.1"
    named = excluding.replace("203.0.113.7", "127.0.0.1")
    pasted(named, server, tmp_path)

    dropped = "X-Page-Tracker-Dropped"
    wait_until(lambda: "own_address" in view(server).headers.get(dropped, ""))
    live = pasted(f"page-tracker query {SITE} --live", server, tmp_path)
    assert re.search(r"NOT COUNTED TODAY +HITS\nown_address 127\.0\.0\.1", live)


def view(server: Running, **headers: str) -> requests.Response:
    return requests.post(
        f"{server.url}/api/event",
        json={"name": "pageview", "url": f"https://{SITE}/"},
        headers={"User-Agent": BROWSER, **headers},
        timeout=ANSWER_SECONDS,
    )


def test_badges_count_or_show_as_the_table_says(
    server: Running, tmp_path: Path
) -> None:
    rows = re.findall(
        r"^\| (an? .*|the .*) \| `(/.*)` \|$", page("guides/count-a-badge"), re.M
    )
    assert len(rows) == 6
    person = {"User-Agent": BROWSER}

    def shown() -> str:
        at = f"{server.url}/counter/my-project.json?site={SITE}"
        return str(requests.get(at, timeout=ANSWER_SECONDS).json()["count"])

    assert (
        requests.get(f"{server.url}{rows[4][1]}", timeout=ANSWER_SECONDS).status_code
        == 404
    )
    assert shown() == "0"
    for what, address in rows:
        before = int(shown())
        answer = requests.get(
            server.url + address, headers=person, timeout=ANSWER_SECONDS
        )
        assert answer.status_code == 200
        assert int(shown()) == before + ("that counts" in what)
        if "number" in what:
            number = answer.json()["count"] if "json" in address else answer.text
            assert int(number) == before

    [markdown] = blocks(
        "guides/count-a-badge", "Count with a badge", "markdown", server.url, SITE
    )
    address = markdown.partition("(")[2].partition(")")[0]
    assert (
        "visits: 3"
        in requests.get(address, headers=person, timeout=ANSWER_SECONDS).text
    )

    hidden = f"page-tracker site set {SITE} --public-counter no"
    assert hidden in page("guides/count-a-badge").replace("\n", " ")
    pasted(hidden, server, tmp_path)
    pixel = rows[1][1]
    for _, address in rows:
        status = 200 if address == pixel else 403
        wait_until(
            lambda at=address, code=status: requests.get(  # type: ignore[misc]
                server.url + at, headers=person, timeout=ANSWER_SECONDS
            ).status_code
            == code
        )
