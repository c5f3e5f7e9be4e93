"""What pages and clients made for other trackers send, and what is stored of it.

In the forms that their own scripts and clients use, as far as those are known to lose
or to double hits where a server answers otherwise than theirs.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from support.door import PAGE, SITE, Door

UUID = "5F7F4B0C-6A3F-4D0C-8D38-0F9F5B0F3A11"
ORIGIN = {"Origin": f"https://{SITE}"}


@pytest.fixture(autouse=True)
def aliases(door: Door) -> None:
    """The site has the names that it went by elsewhere."""
    door.sites.change(SITE, {"aliases": [UUID, "7"]}, by="a test")


def umami(**payload: Any) -> dict[str, Any]:
    said = {"website": UUID.lower(), "url": PAGE, "hostname": SITE, "screen": "9x9"}
    return {"type": "event", "payload": said | payload}


def matomo(**said: str) -> str:
    return urlencode({"idsite": "7", "rec": "1", "r": "5", "url": PAGE} | said)


@pytest.mark.parametrize("path", ["/api/send", "/api/batch", "/matomo.php"])
def test_a_page_of_another_origin_may_send_with_all_that_its_script_adds(
    door: Door, path: str
) -> None:
    """Without `x-umami-cache` a page's first hit counts, and none after it."""
    asked = door.send(path, method="OPTIONS", headers=ORIGIN)
    allowed = asked.headers["Access-Control-Allow-Headers"].lower()
    assert {"content-type", "x-umami-cache"} <= set(allowed.split(", "))
    assert asked.status_code == 204
    assert asked.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]
    assert asked.headers["Access-Control-Allow-Credentials"] == "true"


def test_views_and_events_of_umami_are_one_visit(door: Door) -> None:
    assert door.send("/api/send", json=umami(title="A")).json == {}
    assert door.send("/api/send", json=umami(name="Signup", data={"a": 1})).json == {}
    view, event = door.rows()
    assert (view.site, view.path, view.title, view.view) == (SITE, "/a", "A", 1)
    assert (event.name, event.props, event.step) == ("Signup", {"a": "1"}, 2)


def test_a_batch_of_one_site_is_as_many_hits_as_it_holds(door: Door) -> None:
    """Of one event that names several sites each has one; these are several events."""
    bad = umami(url=5)
    answer = door.send("/api/batch", json=[umami(), bad, umami(name="n"), bad]).json
    assert answer is not None
    assert (answer["size"], answer["processed"], answer["errors"]) == (4, 2, 2)
    assert [row.name for row in door.rows()] == ["pageview", "n"]
    assert door.drops() == [("invalid", "payload.url: must be a string", 2)]


def test_an_unknown_website_is_said_and_told_to_the_owner_of_the_server(
    door: Door,
) -> None:
    answer = door.send("/api/send", json=umami(website="other"))
    assert answer.status_code == 400 and answer.json is not None
    assert answer.json["error"]["message"] == "Website not found."
    assert not door.rows()


@pytest.mark.parametrize("path", ["/matomo.php", "/piwik.php", "/js/tracker.php"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_matomos_parameters_count_by_each_of_its_addresses(
    door: Door, path: str, method: str
) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = door.send(f"{path}?{matomo()}", method=method, headers=form)
    assert (answer.status_code, answer.mimetype) == (200, "image/gif")
    (row,) = door.rows()
    assert (row.site, row.path) == (SITE, "/a")


def test_what_matomo_js_sends_again_as_an_image_counts_once(door: Door) -> None:
    """It does so where an answer was lost on its way, or is not 2xx."""
    body = matomo(send_image="0")
    assert door.send(f"/matomo.php?{body}", headers=ORIGIN).status_code == 204
    again = door.send(f"/matomo.php?{matomo(send_image='1')}", method="GET")
    assert again.status_code == 200
    assert len(door.rows()) == 1


def test_many_of_matomo_count_once_however_often_they_are_sent(door: Door) -> None:
    """Under a form's Content-Type, as its script sends them."""
    items = [f"?{matomo(r='1')}", f"?{matomo(r='2', e_c='Videos', e_a='Play')}"]
    body = json.dumps({"requests": [*items, "rec=1"]})
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    for _ in range(2):
        answer = door.send("/matomo.php", data=body, headers=form).json
        assert answer is not None
        assert (answer["tracked"], answer["invalid"]) == (2, 1)
        assert answer["invalid_indices"] == [2]
    assert [row.name for row in door.rows()] == ["pageview", "Videos: Play"]


def test_a_heartbeat_opens_no_visit_and_is_no_view(door: Door) -> None:
    assert door.send(f"/matomo.php?{matomo(ping='1')}").status_code == 200
    assert not door.rows()
    door.send(f"/matomo.php?{matomo(r='6')}")
    door.send(f"/matomo.php?{matomo(r='7', ping='1')}")
    view, beat = door.rows()
    assert (view.view, beat.view, beat.step) == (1, 0, 0)
    assert beat.visit == view.visit


def test_the_name_of_a_site_elsewhere_belongs_to_one_site(door: Door) -> None:
    with pytest.raises(Exception, match="'7' belongs to the site"):
        door.sites.add("other.example", {"aliases": "7"})
