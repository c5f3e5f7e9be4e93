"""Other trackers' published clients send here unchanged: nothing lost, nothing twice.

Each is pinned in `test/clients`, and does what its documentation shows.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from page_tracker.lake.table import Lake
from support.hitting import BROWSER
from support.lake import ask, paths
from support.processes import Running, command, serving, wait_until
from support.published_clients import read_by_goatpie, sent_by_node, sent_by_python

SITE = "clients.example"
COLUMNS = ("name", "path", "visitor", "browser", "props", "revenue", "currency")
LAST = "/plausible-events"
PAST = "/of-an-hour-ago"  # what goatpie reads is complete by then
# By the client's name in the page or in the event: what is stored of it.
BY_NODE = {
    ("pageview", "/page"): 1,  # the official tracker's own first view
    ("tracker", "/page"): 1,
    ("pageview", "/plausible-tracker"): 1,
    ("plausible-tracker", "/page"): 1,
    ("pageview", "/plausible-client"): 1,
    ("plausible-client", "/page"): 1,
    ("pageview", "/umami-node"): 1,
    ("umami-node", "/"): 1,
    ("pageview", "/matomo-tracker"): 1,
    ("pageview", "/matomo-tracker/1"): 1,
    ("matomo: tracker", "/matomo-tracker/2"): 1,
}
BY_PYTHON = {
    ("pageview", "/umami-analytics"): 1,
    ("umami-analytics", "/umami-analytics"): 1,
    ("pageview", "/piwikapi"): 1,
    ("File Download", "/piwikapi"): 1,
    ("pageview", "/plausible-events"): 1,
    ("plausible-events", "/plausible-events"): 1,
}


@pytest.fixture(name="data", scope="module")
def a_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("clients") / "data"
    # `app` is how plausible_events calls its pages.
    settings = ("--aliases", "7", "--page-schemes", "app")
    command("site", "add", SITE, *settings, "--data", str(data))
    return data


@pytest.fixture(name="server", scope="module")
def a_server(data: Path) -> Iterator[Running]:
    with serving(data, "--workers", "1") as server:
        yield server


def token(data: Path, scope: str) -> str:
    asked = ("--site", SITE, "--scope", scope, "--data", str(data))
    return command("token", "add", *asked).strip()


@pytest.fixture(name="rows", scope="module")
def what_all_have_sent(data: Path, server: Running) -> list[Any]:
    said = (server.url, SITE, token(data, "events"), BROWSER)
    assert '"tracked":2' in sent_by_node(*said)
    sent_by_python(*said)
    lake = Lake(str(data / "lake"))
    # The last of them is in the lake once all before it are.
    wait_until(lambda: lake.has("hits") and paths(lake).count(LAST) == 2)
    found = ask(lake, f"SELECT {', '.join(COLUMNS)} FROM hits WHERE path <> '{PAST}'")
    return [SimpleNamespace(**dict(zip(COLUMNS, row, strict=True))) for row in found]


def test_what_published_clients_send_counts_once(rows: list[Any]) -> None:
    assert Counter((row.name, row.path) for row in rows) == BY_NODE | BY_PYTHON


def test_what_they_say_of_it_is_stored(rows: list[Any]) -> None:
    plans = [row.name for row in rows if row.props.get("plan") == "pro"]
    assert sorted(plans) == [
        *("plausible-client", "plausible-events", "plausible-tracker"),
        *("tracker", "umami-node"),
    ]
    (sold,) = (row for row in rows if row.revenue)
    assert (sold.name, sold.revenue, sold.currency) == ("tracker", 9_000, "EUR")
    assert {row.browser for row in rows if row.name != "umami-node"} >= {"Chrome"}


def test_servers_speak_for_their_visitors(rows: list[Any]) -> None:
    """By `cip` or `X-Forwarded-For`, with a token: each server's visitor is one."""
    visitors: dict[str, set[int]] = {}
    for row in rows:
        visitors.setdefault(row.path.split("/")[1], set()).add(row.visitor)
    servers = ("matomo-tracker", "piwikapi", "plausible-events")
    found = [visitors[name] for name in servers]
    assert [len(each) for each in found] == [1, 1, 1]
    assert len(set.union(*found)) == 3
    assert not set.union(*found) & visitors["page"]


def test_goatpie_reads_each_view_once(
    data: Path, server: Running, tmp_path: Path
) -> None:
    said = {"path": PAST, "ip": "198.51.100.11", "user_agent": BROWSER}
    past = datetime.now(UTC) - timedelta(hours=1)
    hits = [
        said | {"created_at": (past + timedelta(seconds=second)).isoformat()}
        for second in range(3)
    ]
    headers = {"Authorization": f"Bearer {token(data, 'events')}"}
    address = f"{server.url}/api/v0/count"
    taken = requests.post(address, json={"hits": hits}, headers=headers, timeout=30)
    assert taken.status_code == 202
    lake = Lake(str(data / "lake"))
    wait_until(lambda: lake.has("hits") and paths(lake).count(PAST) == 3)
    folder = str(tmp_path / "goatpie")
    pages = read_by_goatpie(server.url, token(data, "admin"), folder)
    assert {page["Page"]: page["Total"] for page in pages}[PAST] == 3
