"""What was left out is let in by a click, and its hits count from there on."""

import html
import re
import time
from pathlib import Path

import pytest

from page_tracker import app as app_module
from page_tracker.days import utc_day
from page_tracker.lake.table import Lake, append, position
from page_tracker.people.roles import Role
from page_tracker.schema import DROPS
from support.people import Visitor, signed_in

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)
SITE = "a.example"
PAYLOAD = '"><script>alert(1)</script>'
FORM = re.compile(
    r'action="(?P<way>[^"]*)"[^>]*><input[^>]*name="token"[^>]*>'
    r'<input[^>]*name="reason" value="(?P<reason>[^"]*)">'
    r'<input[^>]*name="name" value="(?P<name>[^"]*)">'
    r'<input[^>]*name="query" value="(?P<query>[^"]*)">'
)


def sent(agent: str = CHROME, domain: str = SITE, path: str = "/", **more: str) -> str:
    """Why a view that is sent is dropped; '' where it is stored."""
    views = app_module.live().total(SITE)
    answer = Visitor().client.post(
        "/api/event",
        json={"n": "pageview", "d": domain, "u": f"https://{domain}{path}", **more},
        headers={"User-Agent": agent},
    )
    dropped = answer.headers.get("X-Page-Tracker-Dropped", "")
    assert app_module.live().total(SITE) == views + (0 if dropped else 1)
    return dropped


def drop(folder: Path, *found: tuple[str, str, str]) -> None:
    """Drops of today in the lake: (site, reason, name), as the writer puts them."""
    day = utc_day(time.time())
    drops = Lake(str(folder / "lake")).snapshot("drops")
    month = time.strftime("%Y-%m", time.gmtime())
    rows = [(day, site, why, name, 7, month) for site, why, name in found]
    append(drops, DROPS, rows, "test", position(drops, "test") + 1)


def forms(page: str) -> dict[tuple[str, str], dict[str, str]]:
    """The forms of the panel, by the way and the name."""
    found = (each.groupdict() for each in FORM.finditer(page))
    plain = ({k: html.unescape(v) for k, v in each.items()} for each in found)
    return {(each["way"].rpartition("/")[2], each["name"]): each for each in plain}


def click(person: Visitor, form: dict[str, str]) -> str:
    """Send a form of the panel; the address that it leads to."""
    fields = {key: text for key, text in form.items() if key != "way"}
    answer = person.post(form["way"], **fields)
    assert answer.status_code == 303, answer.text
    return answer.location


@pytest.fixture
def ada() -> Visitor:
    """Who owns all sites, of which there is one."""
    app_module.sites().add(SITE, {"blocked_pages": ["/x*"]})
    return signed_in("ada", Role.OWNER)


WANTED = [
    ("bot", "AI crawler: GPTBot", {"agent": "GPTBot/1.2"}),
    ("referrer_spam", "semalt.com", {"r": "https://semalt.com/"}),
    ("blocked_page", "/x*", {"path": "/x1"}),
    ("unknown_site", "shop.a.example", {"domain": "shop.a.example"}),
]


def test_each_is_dropped_before_its_button_and_stored_after_it(
    ada: Visitor, tmp_path: Path
) -> None:
    found = [
        (name, why, "") if why == "unknown_site" else (SITE, why, name)
        for why, name, _ in WANTED
    ]
    drop(tmp_path, *found)
    page = ada.get(f"/{SITE}?period=day").text
    offered = forms(page)
    assert len(offered) == len(WANTED)
    for (way, name), form in offered.items():
        why, shown, said = next(each for each in WANTED if each[1].endswith(name))
        assert way == "let-in" and sent(**said) == f"{why} ({shown})"
        assert click(ada, form) == f"/{SITE}?period=day#left-out"
        assert sent(**said) == ""

    page = ada.get(f"/{SITE}?period=day").text
    assert page.count("counts now") == len(WANTED)
    assert page.count("by <bdi>ada</bdi>") == len(WANTED)
    for (way, name), form in forms(page).items():
        why, shown, said = next(each for each in WANTED if each[1].endswith(name))
        assert way == "leave-out"
        click(ada, form)
        assert sent(**said) == f"{why} ({shown})"
    assert "<h3>Let in</h3>" not in ada.get(f"/{SITE}").text


def test_a_host_is_for_who_owns_all_and_a_viewer_has_no_button(
    ada: Visitor, tmp_path: Path
) -> None:
    hidden = "hidden.example"
    hosts = [(host, "unknown_site", "") for host in ("shop.a.example", hidden)]
    drop(tmp_path, (SITE, "bot", "GPTBot"), *hosts)
    own, eve, bob = (signed_in(role, role, [SITE]) for role in reversed(Role))
    for person in (own, eve):
        assert list(forms(person.get(f"/{SITE}").text)) == [("let-in", "GPTBot")]
    assert not forms(bob.get(f"/{SITE}").text)
    for person in (own, eve, bob):
        page = person.get(f"/{SITE}").text
        assert "shop.a.example" in page and hidden not in page
        assert "/sites/add?domain=" not in page
        refused = person.post(
            f"/{SITE}/let-in", reason="unknown_site", name="x.example"
        )
        assert refused.status_code == 403
    page = ada.get(f"/{SITE}").text
    assert f"/sites/add?domain={hidden}" in page
    assert f'value="{hidden}"' in ada.get(f"/sites/add?domain={hidden}").text


@pytest.mark.parametrize(
    ("reason", "name", "told"),
    [
        ("opted_out", "Do Not Track", "none for which something can be let in"),
        ("blocked_page", PAYLOAD, "is not among them"),
        ("unknown_site", PAYLOAD, "more than a domain"),
        ("bot", "x" * 200, "at most 120"),
    ],
)
def test_what_cannot_be_let_in_is_told_on_a_page(
    ada: Visitor, reason: str, name: str, told: str
) -> None:
    refused = ada.post(f"/{SITE}/let-in", reason=reason, name=name, query="//evil")
    assert refused.status_code == 400 and told in html.unescape(refused.text)
    assert "<script>alert" not in refused.text


def test_names_that_were_sent_are_text_and_lead_nowhere_else(
    ada: Visitor, tmp_path: Path
) -> None:
    drop(tmp_path, (SITE, "bot", PAYLOAD))
    page = ada.get(f"/{SITE}").text
    assert "<script>alert" not in page
    (form,) = forms(page).values()
    assert form["name"] == PAYLOAD
    where = click(ada, {**form, "query": "?period=7d&next=https://evil.example"})
    assert where == f"/{SITE}?period=7d#left-out"
    page = ada.get(f"/{SITE}").text
    assert "<script>alert" not in page and "counts now" in page
