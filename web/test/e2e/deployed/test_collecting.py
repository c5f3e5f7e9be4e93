"""Collecting on a deployed server: badge, pixel, drops, and the way to the lake."""

from collections.abc import Iterator
from time import sleep
from typing import cast
from uuid import uuid4

import pytest
import requests
from redis import Redis

from page_tracker.store.shards import SHARDS_KEY
from page_tracker.store.stream import Stream
from support.collecting import CHROME
from support.processes import command, wait_until

TIMEOUT = 10
KNOWN_SECONDS = 1.5  # a change holds within a second in all processes
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@pytest.fixture(scope="module", name="admin")
def make_admin_token(
    flask_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Headers with an admin's token, which is revoked in the end."""
    folder = str(tmp_path_factory.mktemp("admin"))
    settings = {"REDIS_URL": redis_url, "PAGE_TRACKER_DATA": folder}
    adding = ("token", "add", "--all-sites", "--scope", "admin", "--name", folder)
    headers = {"Authorization": f"Bearer {command(*adding, **settings).strip()}"}
    url = f"{flask_url}/api/tokens"
    wait_until(lambda: requests.get(url, headers=headers, timeout=TIMEOUT).ok)
    yield headers
    tokens = requests.get(url, headers=headers, timeout=TIMEOUT).json()["tokens"]
    for own in [each["id"] for each in tokens if each["name"] == folder]:
        requests.delete(f"{url}/{own}", headers=headers, timeout=TIMEOUT)


@pytest.fixture(scope="module", name="site")
def add_site(flask_url: str, admin: dict[str, str]) -> str:
    """A new site, known to all processes of the server; each test has its own pages."""
    domain = f"{uuid4().hex}.example"
    added = requests.post(
        f"{flask_url}/api/sites",
        headers=admin,
        json={"domain": domain},
        timeout=TIMEOUT,
    )
    assert added.status_code == 201, added.text
    sleep(KNOWN_SECONDS)
    return domain


def send(url: str, site: str, path: str, agent: str = CHROME) -> str:
    """Send a page view as our script does; returns why it was dropped, or nothing."""
    answer = requests.post(
        f"{url}/api/event",
        json={"n": "pageview", "u": f"https://{site}{path}", "d": site},
        headers={"User-Agent": agent},
        timeout=TIMEOUT,
    )
    assert answer.status_code == 202, answer.text
    return answer.headers.get("x-page-tracker-dropped", "")


def count(url: str, site: str, page: str) -> int:
    """What the badge of a page says."""
    answer = requests.get(
        f"{url}/counter/{page}.json", params={"site": site}, timeout=TIMEOUT
    )
    assert answer.status_code in (200, 404)  # 404 where the page has no view
    return int(answer.json()["count"])


def test_a_hit_is_in_the_badge_at_once(flask_url: str, site: str) -> None:
    total = count(flask_url, site, "TOTAL")

    for views in (1, 2):
        assert not send(flask_url, site, "/about")
        assert count(flask_url, site, "about") == views
        assert count(flask_url, site, "TOTAL") == total + views


def test_a_pixel_counts_like_the_script(flask_url: str, site: str) -> None:
    answer = requests.get(
        f"{flask_url}/count",
        params={"p": "/pixel"},
        headers={"User-Agent": CHROME, "Referer": f"https://{site}/"},
        timeout=TIMEOUT,
    )

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/gif")
    assert count(flask_url, site, "pixel") == 1


def test_a_bot_is_told_why_it_does_not_count(flask_url: str, site: str) -> None:
    assert "Googlebot" in send(flask_url, site, "/bot", GOOGLEBOT)
    assert count(flask_url, site, "bot") == 0


def test_hits_leave_redis_for_the_lake(
    flask_url: str, redis_client: Redis, site: str
) -> None:
    shards = int(cast(bytes, redis_client.get(SHARDS_KEY)))
    streams = [Stream(redis_client, shard) for shard in range(shards)]
    aside_before = [stream.aside() for stream in streams]
    for number in range(20):
        assert not send(flask_url, site, f"/{number}")

    wait_until(lambda: not any(stream.waiting() for stream in streams))

    told = [stream.record.last_report() for stream in streams]
    assert all(each and each[1] == "" for each in told), f"writers say {told}"
    assert [stream.aside() for stream in streams] == aside_before


def test_a_setting_changed_over_http_holds(
    flask_url: str, admin: dict[str, str], site: str
) -> None:
    assert not send(flask_url, site, "/private")

    changed = requests.patch(
        f"{flask_url}/api/sites/{site}",
        headers=admin,
        json={"blocked_pages": ["/private"]},
        timeout=TIMEOUT,
    )

    assert changed.status_code == 200, changed.text
    wait_until(lambda: send(flask_url, site, "/private") != "")


def test_the_script_is_served(flask_url: str) -> None:
    answer = requests.get(f"{flask_url}/js/script.js", timeout=TIMEOUT)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert "/api/event" in answer.text
