"""Other trackers' published clients send here unchanged: nothing lost, nothing twice.

Each is pinned in `test/clients`, and does what its documentation shows.
"""

from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from page_tracker.lake.table import Lake
from support.hitting import BROWSER
from support.lake import ask, paths
from support.processes import command, serving, wait_until
from support.published_clients import sent_by_node, sent_by_python

SITE = "clients.example"
COLUMNS = ("name", "path", "visitor", "browser", "props", "revenue", "currency")
LAST = "/plausible-events"
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


@pytest.fixture(name="rows", scope="module")
def what_all_have_sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Any]]:
    data = tmp_path_factory.mktemp("clients") / "data"
    # `app` is how plausible_events calls its pages.
    settings = ("--aliases", "7", "--page-schemes", "app")
    command("site", "add", SITE, *settings, "--data", str(data))
    asked = ("--site", SITE, "--scope", "events", "--data", str(data))
    token = command("token", "add", *asked).strip()
    with serving(data, "--workers", "1") as server:
        said = (server.url, SITE, token, BROWSER)
        assert '"tracked":2' in sent_by_node(*said)
        sent_by_python(*said)
        lake = Lake(str(data / "lake"))
        # The last of them is in the lake once all before it are.
        wait_until(lambda: lake.has("hits") and paths(lake).count(LAST) == 2)
        found = ask(lake, f"SELECT {', '.join(COLUMNS)} FROM hits")
        yield [SimpleNamespace(**dict(zip(COLUMNS, row, strict=True))) for row in found]


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
