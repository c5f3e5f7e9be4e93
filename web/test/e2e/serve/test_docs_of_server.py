"""docs/start/server.md: its commands run in their order, under a systemd of its own.

What needs the internet does not run: packages, git, and a public authority's
certificate, in whose place there is one of our own. Caddy and nginx are Debian's.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.hitting import BROWSER
from support.importing import line
from support.own_systemd import ROOT, Machine, own_systemd

PAGE = (ROOT / "docs" / "start" / "server.md").read_text("utf-8")
NAME = "counts.example.net"
NEEDS_INTERNET = (
    *("sudo apt-get ", "sudo dnf ", "sudo git ", "sudo certbot "),
    "sudo page-tracker update",
)
OTHER_SYSTEMS = ("sudo setsebool ",)
AUTHORITY = "/tmp/authority.crt"  # nosec B108 # in the machine's own /tmp
CADDY_S = "/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt"
LOG = "/var/log/nginx/access.log"
PAGES = (
    "sudo page-tracker query example.org --by page --metrics pageviews --period all"
    " --order page --csv"
)
CERTIFICATE = "/etc/letsencrypt/live/counts.example.net"

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="namespaces need root"),
    pytest.mark.timeout(600),
]


@pytest.fixture(name="machine")
def a_machine_with_the_service(tmp_path: Path) -> Iterator[Machine]:
    with own_systemd(tmp_path) as machine:
        machine.say(f"echo '127.0.0.1 {NAME}' >>/etc/hosts")
        assert machine.say(commands("Install")).endswith("ok\n")
        yield machine


def commands(heading: str) -> str:
    """The commands below a heading, for a shell, with our own name in them."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^    ((?:sudo|cd|curl) .+)$", section, re.MULTILINE)
    run = [
        each for each in lines if not each.startswith(NEEDS_INTERNET + OTHER_SYSTEMS)
    ]
    assert run, heading
    return "\n".join(run).replace("YOUR NAME", NAME)


def with_caddy(machine: Machine) -> None:
    """As the page says; the certificate is Caddy's own, as no public one can be had."""
    install, _, start = commands("https, by Caddy").partition("sudo systemctl")
    machine.say(install)
    machine.say(
        "cd /etc/caddy && mv Caddyfile given && (printf "
        "'{\\n\\tlocal_certs\\n\\tskip_install_trust\\n}\\n' && cat given)"
        " >Caddyfile"
    )
    machine.say(f"sudo systemctl{start}")
    wait_for(machine, f"test -s {CADDY_S}")
    trust(machine, CADDY_S)


def with_nginx(machine: Machine) -> None:
    """As the page says; the certificate is made by openssl."""
    machine.say(
        f"mkdir -p /var/log/nginx {CERTIFICATE} && cd {CERTIFICATE} &&"
        " openssl req -x509 -newkey rsa:2048 -nodes -keyout privkey.pem"
        f" -out fullchain.pem -days 1 -subj /CN={NAME}"
        f" -addext subjectAltName=DNS:{NAME}"
    )
    machine.say(commands("https, by nginx"))
    trust(machine, f"{CERTIFICATE}/fullchain.pem")


def trust(machine: Machine, certificate: str) -> None:
    machine.say(f"cp {certificate} {AUTHORITY} && chmod 644 {AUTHORITY}")
    machine.say(f"echo SSL_CERT_FILE={AUTHORITY} >>/etc/page-tracker.env")


def wait_for(machine: Machine, condition: str) -> None:
    machine.say(f"for _ in $(seq 200); do {condition} && exit; sleep 0.1; done; false")


def sent(machine: Machine, *options: str) -> str:
    """What a visitor at 127.0.0.3 is answered, who lies about his address."""
    return machine.say(
        f"curl --silent --include --interface 127.0.0.3 --cacert {AUTHORITY}"
        f" --user-agent '{BROWSER}' --header 'X-Forwarded-For: 203.0.113.9'"
        f" --header 'Forwarded: for=203.0.113.9' --retry 9 {' '.join(options)}"
        f" https://{NAME}/api/event --data"
        ' \'{"n": "pageview", "u": "https://example.org/a"}\''
    )


@pytest.mark.parametrize("proxy", [with_caddy, with_nginx])
def test_a_hit_through_the_proxy_has_the_visitor_s_address(
    machine: Machine, proxy: Callable[[Machine], None]
) -> None:
    proxy(machine)
    said = machine.run("sudo page-tracker doctor").stdout
    assert said.count("problem ") == 1 and "problem  sites: there is none" in said
    assert commands("What you see").startswith("sudo page-tracker doctor\n")
    added = machine.say("sudo page-tracker site add example.org")
    assert f'src="https://{NAME}/js/script.js"' in added

    answer = sent(machine, "--header 'X-Debug-Request: true'")
    assert answer.endswith("127.0.0.3"), answer
    answer = sent(machine)
    assert answer.endswith("ok") and "dropped" not in answer.lower()

    wait_for(machine, "sudo page-tracker query example.org --live --json | grep -q /a")
    said = machine.say("sudo page-tracker doctor")
    assert f"https://{NAME} sees us as 127.0.0.1: the trusted proxy 127.0.0.1" in said
    redirect = machine.say(f"curl --silent --include http://{NAME}/livez")
    assert "308" in redirect and f"https://{NAME}/livez" in redirect


def test_a_backup_brings_back_its_moment_and_removal_leaves_nothing(
    machine: Machine,
) -> None:
    with_caddy(machine)
    assert machine.say("systemd-analyze verify page-tracker.service") == ""
    machine.say("sudo page-tracker site add example.org")
    pasted_log = commands("What you see").splitlines()[-1]
    assert pasted_log == f"sudo cat {LOG} | sudo page-tracker import example.org -"
    backup, _, restoration = commands("Backup").partition("start page-tracker\n")

    machine.say(f"mkdir -p /var/log/nginx; echo '{line('/a', 0).strip()}' >>{LOG}")
    machine.say(pasted_log)
    machine.say(f"cd /root\n{backup}start page-tracker")
    machine.say(f"echo '{line('/b', 1).strip()}' >>{LOG}")
    machine.say(pasted_log)
    assert machine.say(PAGES) == "page,pageviews\n/a,1\n/b,1\n"
    machine.run(f"cd /root\n{restoration}")
    assert machine.say(PAGES) == "page,pageviews\n/a,1\n"

    machine.say(commands("A new version, and back"))
    machine.say(commands("Change how it runs"))
    wait_for(machine, "sudo page-tracker doctor")
    assert machine.say(PAGES) == "page,pageviews\n/a,1\n"

    machine.say(commands("Remove it"))
    look = "getent passwd page-tracker; ls /opt /var/lib /etc /etc/systemd/system"
    assert "page-tracker" not in machine.run(look).stdout
    assert machine.run("curl --silent http://127.0.0.1:8000/livez").returncode
