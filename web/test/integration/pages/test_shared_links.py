"""A link shows one site's page to whoever has it, and nothing else."""

from __future__ import annotations

import html
import json
import os
import re
from pathlib import Path

import pytest

from page_tracker import app as app_module
from page_tracker.lake.table import Lake
from page_tracker.people.roles import Role
from page_tracker.sites.annotation import with_annotation
from support import commands
from support.asked import put, view
from support.people import Visitor, signed_in
from support.processes import clean_environment

OWN, OTHER = "a.example", "b.example"
SHARING = f"/sites/{OWN}/settings/sharing"
# Of the site's page: what whoever has a link may open.
SHOWN = ("", "/list/pages", "/list/pages.csv", "/export/chart.csv", "/how/chart")


@pytest.fixture(name="owner")
def _owner(patched: pytest.MonkeyPatch) -> Visitor:
    assert patched
    for domain in (OWN, OTHER):
        app_module.sites().add(domain, {})
    return signed_in("Ada", Role.OWNER, None)


def link_made(owner: Visitor, name: str = "the press", site: str = OWN) -> str:
    """The path of a new link, as the settings show it."""
    page = owner.post(f"/sites/{site}/settings/sharing", name=name)
    assert page.status_code == 200 and page.headers["Cache-Control"] == "no-store"
    found = re.findall(r'value="http://localhost(/share/[^"]*)"', page.text)
    return html.unescape(found[-1])


def test_a_guest_sees_the_site_s_page_its_lists_and_its_files(
    owner: Visitor, tmp_path: Path
) -> None:
    put(Lake(str(tmp_path / "lake")), [view(1, site=OWN)], 1)
    note = {"date": "2026-03-02", "text": "Moved"}
    app_module.annotation_store().change(
        OWN, lambda known: with_annotation(known, note, "Grace")
    )
    guest = Visitor()
    led = guest.get(link_made(owner))
    assert (led.status_code, led.location) == (303, f"/{OWN}")
    cookie = led.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie

    for rest in SHOWN:
        assert guest.get(f"/{OWN}{rest}").status_code == 200, rest
    whole, page = (each.get(f"/{OWN}?period=all").text for each in (owner, guest))
    assert "Moved" in page and "<h2" in page
    hidden = ("Ada", "Grace", "Left out", "Sign out", "Settings", 'method="post"')
    for each in hidden:
        assert each in whole and each not in page, each


def test_a_guest_is_nobody_everywhere_else(owner: Visitor) -> None:
    guest = Visitor()
    guest.get(link_made(owner))
    closed = ["/sites", "/account", f"/{OTHER}", "/none.example", f"/{OWN}/settings"]
    closed += [f"/{OWN}/settings/own-visits", f"/{OWN}/experiments", f"/{OWN}/import"]
    for path in closed:
        answer = guest.get(path)
        assert answer.status_code == 303, path
        assert answer.location.startswith("/sign-in"), path
    note = {"date": "2026-03-01", "text": "x"}
    assert guest.send(f"/{OWN}/annotations", **note).location == "/sign-in"
    assert not app_module.annotation_store().known(OWN)


def test_a_revoked_link_shows_nothing_any_more(owner: Visitor) -> None:
    first, second = link_made(owner), link_made(owner, "a friend")
    guest, other = Visitor(), Visitor()
    guest.get(first)
    other.get(second)
    done = owner.post(f"{SHARING}/revoke", name="the press")
    assert "The link the press shows nothing any more." in done.text
    assert guest.get(f"/{OWN}").status_code == 303
    assert guest.get(first).status_code == 404
    assert other.get(f"/{OWN}").status_code == 200


def test_a_wrong_link_tells_nothing_of_sites(owner: Visitor) -> None:
    link = link_made(owner)
    wrong = (link[:-1], f"/share/{OWN}", link.replace(OWN, OTHER))
    answers = [Visitor().get(path) for path in (*wrong, "/share/none.example?auth=x")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1


def test_one_browser_may_have_links_of_several_sites(owner: Visitor) -> None:
    guest = Visitor()
    for site in (OWN, OTHER):
        guest.get(link_made(owner, site=site))
    assert [guest.get(f"/{site}").status_code for site in (OWN, OTHER)] == [200, 200]


def test_who_has_signed_in_without_a_role_may_open_a_link_as_well(
    owner: Visitor,
) -> None:
    other = signed_in("Bob", Role.VIEWER, [OTHER])
    assert other.get(f"/{OWN}").status_code == 404
    other.get(link_made(owner))
    assert other.get(f"/{OWN}").status_code == 200
    assert other.get(f"/sites/{OWN}/install").status_code == 404


def test_a_name_is_one_link_s_and_has_to_be_given(owner: Visitor) -> None:
    assert link_made(owner) == link_made(owner)
    assert len(app_module.sites().shared_links(OWN)) == 1
    refused = owner.post(SHARING, name=" ")
    assert refused.status_code == 400 and "is no name of a link" in refused.text


def test_the_command_line_makes_lists_and_revokes_links(
    owner: Visitor, tmp_path: Path
) -> None:
    def said(*words: str) -> str:
        environment = clean_environment(
            REDIS_URL=os.environ["REDIS_URL"], PAGE_TRACKER_DATA=str(tmp_path)
        )
        words = ("shared-link", *words)
        done = commands.run(*words, environment=environment, folder=tmp_path)
        return done.stdout.strip() if done.returncode == 0 else done.stderr

    made = link_made(owner)
    assert said("add", OWN, "the press").endswith(made)
    other = said("add", OWN, "a friend", "--url", "https://stats.example")
    assert other.startswith(f"https://stats.example/share/{OWN}?auth=")
    first, second = json.loads(said("list", OWN, "--json"))
    assert first["url"].endswith(made) and second["name"] == "a friend"
    assert "no longer" in said("remove", OWN, "the press")
    assert "there is no shared link 'press'" in said("remove", OWN, "press")
