"""docs/guides/switching-by-systemd.md: two colours switch under load, by systemd.

Instead of what git fetches, both are the checkout.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.documentation import ROOT
from support.hitting import SITE
from support.own_systemd import Machine, own_systemd

PAGE = (ROOT / "docs" / "guides" / "switching-by-systemd.md").read_text("utf-8")
NEEDS_INTERNET = ("git ", "/opt/page-tracker-blue/scripts/setup", "scripts/setup")
NOTHING_WAITS = "sudo page-tracker doctor | grep -q 'writer: 0 rows wait'"
LOAD = """
import json, sys
from support.hitting import hitting
with hitting("http://127.0.0.1:8000", 6, brief=6, each_second=150) as sent:
    sys.stdin.readline()
print(json.dumps([sent.statuses, len(sent.acknowledged)]))
"""

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="namespaces need root"),
    pytest.mark.timeout(600),
]


@pytest.fixture(name="machine")
def a_machine_with_two_colours(tmp_path: Path) -> Iterator[Machine]:
    with own_systemd(tmp_path) as machine:
        for colour in ("blue", "green"):
            machine.say(f"ln -s /mnt/checkout /opt/page-tracker-{colour}")
        machine.say(
            "useradd --system --home-dir /var/lib/page-tracker page-tracker &&"
            " cd /opt/page-tracker/deploy &&"
            " install -m 600 page-tracker.env /etc/page-tracker.env &&"
            " sed -i s,https://stats.example.com,http://127.0.0.1:8000,"
            " /etc/page-tracker.env &&"
            " install -m 755 page-tracker /usr/local/bin/page-tracker &&"
            " install -m 644 page-tracker.service /etc/systemd/system/"
        )
        assert machine.say(commands("Begin")).endswith("ok\n")
        yield machine


def commands(heading: str) -> str:
    """The commands below a heading, for a shell."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^    ((?:sudo|cd|curl|echo) .+)$", section, re.MULTILINE)
    run = [
        each
        for each in lines
        if not each.removeprefix("sudo ").startswith(NEEDS_INTERNET)
    ]
    assert run, heading
    return "\n".join(run)


@contextmanager
def load(machine: Machine) -> Iterator["subprocess.Popen[str]"]:
    """Hits at the machine's own address; it ends and reports after a line."""
    enter = ("nsenter", f"--target={machine.pid}", "--net", "--")
    with subprocess.Popen(
        [*enter, sys.executable, "-c", LOAD],
        cwd=ROOT / "web" / "test",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def counted(machine: Machine) -> int:
    said = machine.say(
        f"sudo page-tracker query {SITE} --metrics pageviews --period all --json"
    )
    return int(json.loads(said)["results"][0]["metrics"][0])


def test_no_request_fails_at_a_switch_and_back_and_each_hit_is_counted_once(
    machine: Machine, request: pytest.FixtureRequest
) -> None:
    times = 10 if request.config.getoption("--long") else 1
    machine.say(f"sudo page-tracker site add {SITE}")
    verified = machine.say("systemd-analyze verify page-tracker@green.service")
    assert verified == ""
    with load(machine) as sending:
        for heading in ("A new version", "Back") * times:
            machine.say(commands(heading))
        said, _ = sending.communicate("\n")

    statuses, acknowledged = json.loads(said)
    print(f"{2 * times} switches: {statuses}")
    assert set(statuses) == {"202"}
    assert acknowledged > 100
    machine.say(commands("Stop everything"))
    machine.say("systemctl start page-tracker-redis page-tracker-writer")
    machine.say(f"for _ in $(seq 100); do {NOTHING_WAITS} && exit; sleep 0.1; done")
    assert counted(machine) == acknowledged
