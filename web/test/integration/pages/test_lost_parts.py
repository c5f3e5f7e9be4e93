"""Pages while Redis is really stopped, and while the lake's folder is really away."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from page_tracker import app as app_module
from page_tracker.lake.table import Lake
from page_tracker.people.roles import Role
from page_tracker.processes.answers import listening
from page_tracker.query.engine import Engine
from page_tracker.query.lake_asking import LakeAsking
from page_tracker.query.snapshot import Reading
from page_tracker.settings import Settings
from page_tracker.web.recent_sessions import KEPT
from support.answering import answering, dying
from support.application import application
from support.asked import put, view
from support.own_redis import OwnRedis, own_redis
from support.people import PASSWORD, Visitor, account_of, signed_in

SITE, OTHER = "a.example", "b.example"
DAYS = "2026-03-01..2026-03-03"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    """A Redis that a test may stop; it begins the next one running."""
    # pylint: disable-next=contextmanager-generator-missing-cleanup # it cleans up
    with own_redis(tmp_path_factory.mktemp("store")) as server:
        yield server


@dataclass
class Scene:
    """The application on that store, with a lake that has views of a site."""

    store: OwnRedis
    lake: Path
    patched: pytest.MonkeyPatch

    def stop_redis(self) -> None:
        self.store.kill()


@pytest.fixture
def scene(
    store: OwnRedis, tmp_path: Path, patched: pytest.MonkeyPatch
) -> Iterator[Scene]:
    assert patched  # the other tests' store is left as it was
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    # pylint: disable-next=contextmanager-generator-missing-cleanup # it cleans up
    with application(store.url, folder) as ours:
        for domain in (SITE, OTHER):
            app_module.sites().add(domain, {})
        rows = [view(each, site=SITE) for each in range(1, 8)]
        put(Lake(str(folder / "lake")), rows, 1)
        yield Scene(store, folder / "lake", ours)
        store.kill()
        store.start()


def visitors_on(page: str) -> str:
    """The first of the eight figures."""
    found = re.search(r'class="figures.*?<strong>([\d,–]+)', page, re.DOTALL)
    return found[1] if found else ""


def test_who_was_there_reads_on_from_the_lake_and_changes_nothing(scene: Scene) -> None:
    bob = signed_in("bob", Role.VIEWER, [SITE])
    ada = signed_in("ada", Role.OWNER)
    before = ada.get(f"/{SITE}?period={DAYS}").text
    assert visitors_on(before) == "7" and "read-only" not in before
    token = ada.token()
    assert bob.is_signed_in()
    scene.stop_redis()

    shown = ada.get(f"/{SITE}?period={DAYS}")
    assert shown.status_code == 200 and visitors_on(shown.text) == "7"
    assert "nothing can be changed" in shown.text and "lake" in shown.text
    for path in ("/sites", f"/{SITE}/list/pages", f"/{SITE}/how/chart"):
        assert 'id="read-only"' in ada.get(path).text
    assert ada.get(f"/{SITE}/export/pages.csv").status_code == 200
    for path in ("/people/invite", "/account/password", "/sign-out", "/sites/add"):
        refused = ada.send(path, token=token, role="owner", domain="c.example")
        assert refused.status_code == 503 and refused.headers["Retry-After"] == "1"
        assert "The store does not answer" in refused.text
    # Roles hold: what was not theirs is not theirs now.
    assert bob.get(f"/{SITE}").status_code == 200
    assert bob.get(f"/{OTHER}").status_code == 404
    assert bob.get("/people").status_code == 403

    scene.store.start()
    assert "read-only" not in ada.get(f"/{SITE}?period={DAYS}").text
    assert ada.post("/people/invite", role="viewer").status_code == 200


def test_a_page_says_that_who_answered_was_killed_and_the_next_time_it_is_there(
    scene: Scene,
) -> None:
    ada, folder = signed_in("ada", Role.OWNER), scene.lake.parent
    with listening(Settings(data=folder)) as asked:
        app_module.asking.cache_clear()
        with dying(asked):
            page = ada.get(f"/{SITE}?period={DAYS}")
        assert page.status_code == 503 and page.headers["Retry-After"] == "1"
        assert "The process that was answering has ended," in page.text
        assert "nothing is lost" in page.text
        with answering(asked, LakeAsking(Reading(Lake(str(scene.lake))), Engine())):
            assert visitors_on(ada.get(f"/{SITE}?period={DAYS}").text) == "7"


def test_who_was_not_there_is_not_let_in_and_told_why(scene: Scene) -> None:
    """Nor is one whose session was ended, or whose cookie is made up."""
    ada, eve = signed_in("ada", Role.OWNER), Visitor()
    ended = signed_in("bob", Role.OWNER)
    assert ada.is_signed_in()
    kept = ended.cookie()
    ended.post("/sign-out")
    ended.client.set_cookie("page-tracker", kept)
    assert not ended.is_signed_in()
    fresh = signed_in("new", Role.OWNER)
    eve.client.set_cookie("page-tracker", "x" * 43)
    scene.stop_redis()
    for visitor in (eve, ended, fresh):
        refused = visitor.get(f"/{SITE}")
        assert refused.status_code == 503 and SITE not in refused.text
        assert "Redis, which knows who you are" in refused.text
        assert "page-tracker doctor" in refused.text
    assert Visitor().get(f"/{SITE}").location.startswith("/sign-in")
    assert Visitor().sign_in("ada").status_code == 503


def test_it_is_for_an_hour_and_for_the_same_password(scene: Scene) -> None:
    ada, bob = signed_in("ada", Role.OWNER), signed_in("bob", Role.OWNER)
    assert ada.get("/sites").status_code == 200
    assert ada.is_signed_in() and bob.is_signed_in()
    new = "another river under new bridges"
    other = Visitor()
    other.sign_in("bob")
    assert (
        other.post("/account/password", password=PASSWORD, new=new).status_code == 303
    )
    scene.stop_redis()
    assert bob.get("/sites").location.startswith("/sign-in")
    assert ada.get("/sites").status_code == 200
    recent = app_module.recent_sessions
    # The hour that passes is the memory's own. pylint: disable-next=protected-access
    now = recent._clock()
    scene.patched.setattr(recent, "_clock", lambda: now + KEPT)
    assert ada.get("/sites").status_code == 503


def test_a_lake_that_is_away_is_told_and_is_read_again_once_it_is_back(
    scene: Scene,
) -> None:
    ada = signed_in("ada", Role.OWNER)
    assert visitors_on(ada.get(f"/{SITE}?period={DAYS}").text) == "7"
    away = scene.lake.with_name("away")
    scene.lake.rename(away)
    for make_another in (False, True):
        if make_another:  # as the writer does where a volume is not mounted
            Lake(str(scene.lake)).snapshot("hits")
        for path in (f"/{SITE}?period={DAYS}&f=is~page~/", "/sites"):
            told = ada.get(path)
            assert told.status_code == 503 and told.headers["Retry-After"] == "1"
            assert "The lake cannot be read" in told.text
            assert "page-tracker doctor" in told.text
        assert ada.get("/account").status_code == 200
    shutil.rmtree(scene.lake)
    away.rename(scene.lake)
    assert visitors_on(ada.get(f"/{SITE}?period={DAYS}").text) == "7"


@pytest.mark.parametrize(
    ("address", "status", "told"),
    [
        ("/nowhere.example", 404, "There is no such site"),
        (f"/{SITE}?period=someday", 200, "is not understood"),
        (f"/{SITE}?period=2026-13", 200, "is not understood"),
        (f"/{SITE}?f=is~colour~red", 200, "is not understood"),
        (f"/{SITE}?f=nonsense", 200, "is written like"),
        (f"/{SITE}?f=matches~page~(", 200, "is not understood"),
        (f"/{SITE}?by=minute&period=all", 200, "is not understood"),
        (f"/{SITE}/list/nothing", 404, "nothing called nothing here"),
        (f"/{SITE}/export/pages.xls", 404, "files end in"),
        (f"/{SITE}/how/nothing", 404, "nothing called nothing here"),
    ],
)
def test_what_an_address_says_in_vain_is_told_with_what_to_do(
    patched: pytest.MonkeyPatch, address: str, status: int, told: str
) -> None:
    assert patched
    app_module.sites().add(SITE, {})
    page = signed_in("ada", Role.OWNER).get(address)
    assert page.status_code == status and told in page.text


def test_after_an_expired_session_one_is_led_back_to_where_one_was() -> None:
    app_module.sites().add(SITE, {})
    account_of("ada", Role.OWNER)
    ada = Visitor()
    ada.sign_in("ada")
    where = f"/{SITE}?period=7d&f=is~page~/a%20b|/ä"
    assert ada.get(where).status_code == 200
    app_module.redis().flushall()
    away = ada.get(where)
    assert away.status_code == 303
    wanted = re.search('name="next" value="([^"]*)"', ada.get(away.location).text)
    assert wanted
    back = ada.sign_in("ada", next=wanted[1].replace("&amp;", "&"))
    page = ada.get(back.location)
    assert page.status_code == 200 and "not understood" not in page.text
    assert "/a b|/ä" in page.text
