"""The demonstration: made, told for what it is, renewed, and gone without a trace."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from page_tracker import app as app_module
from page_tracker.cli import main
from page_tracker.history.register import Register
from page_tracker.lake.table import Lake
from page_tracker.people.roles import Role
from page_tracker.settings import Settings
from page_tracker.sites.demonstration import DOMAIN
from page_tracker.wiring.demonstrating import demonstration_of_folder
from support.importing import LOG
from support.lake import paths
from support.people import signed_in


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def hits(folder: Path) -> int:
    return len(paths(Lake(str(folder / "lake"))))


def test_one_click_makes_it_and_one_takes_it_away_wholly(tmp_path: Path) -> None:
    ada = signed_in("ada", Role.OWNER)
    app_module.sites().add("a.example", {})
    for page in ("/sites", "/sites/add"):
        assert "Show a demonstration" in ada.get(page).text
    made = ada.post("/sites/demo")
    assert (made.status_code, made.location) == (303, f"/{DOMAIN}"), made.text

    page = ada.get(f"/{DOMAIN}").text
    assert "This is a demonstration" in page and "end today" in page
    assert "Other bots" in page and "Let it end today" not in page
    brought = hits(tmp_path)
    assert brought > 1_400
    ada.post("/sites/demo")  # once more changes nothing
    assert hits(tmp_path) == brought
    sites = ada.get("/sites").text
    assert "a demonstration</small>" in sites and "Show a demo" not in sites
    assert "All of these" not in sites  # of own sites there is one
    bob = signed_in("bob", Role.VIEWER)
    assert "Remove it" not in bob.get(f"/{DOMAIN}").text

    assert ada.post("/sites/demo/remove").location == "/sites"
    assert hits(tmp_path) == 0 and ada.get(f"/{DOMAIN}").status_code == 404
    assert Register(tmp_path / "imports").present() == []
    assert DOMAIN not in (tmp_path / "mirror.json").read_text()
    assert "There is no demonstration." in run("demo", "--remove").stdout


def test_an_old_one_says_how_old_it_is_and_is_renewed(tmp_path: Path) -> None:
    with demonstration_of_folder(Settings.from_environment()) as demonstration:
        demonstration.make(time.time() - 9 * 86_400)
    assert "ended 9 days ago" in run("demo").stdout
    ada = signed_in("ada", Role.OWNER)
    page = ada.get(f"/{DOMAIN}").text
    assert "ended 9 days ago" in page and "Let it end today" in page
    assert f"{DOMAIN}, a demonstration" in run("site", "show", DOMAIN).stdout
    assert "(a demonstration)" in run("site", "list").stdout
    mixed = run("import", DOMAIN, str(LOG))
    assert mixed.exit_code == 1 and "takes no other log" in mixed.stderr

    before = hits(tmp_path)
    assert "days end today" in run("demo", "--renew").stdout
    assert abs(hits(tmp_path) - before) < 100  # the old days are gone
    assert "end today" in ada.get(f"/{DOMAIN}").text


@pytest.mark.parametrize(
    ("domain", "hosts", "told"),
    [
        (DOMAIN, "", f"page-tracker site remove {DOMAIN}"),
        ("a.example", DOMAIN, "out of a.example first"),
    ],
)
def test_a_site_of_its_name_is_left_alone(domain: str, hosts: str, told: str) -> None:
    app_module.sites().add(domain, {"hostnames": hosts})
    for option in ((), ("--renew",), ("--remove",)):
        refused = run("demo", *option)
        assert refused.exit_code == 2 and told in refused.stderr
    ada = signed_in("ada", Role.OWNER)
    for path in ("/sites/demo", "/sites/demo/remove"):
        refused_page = ada.post(path)
        assert refused_page.status_code == 400 and told in refused_page.text
    assert app_module.sites().get(domain).demonstration is False
