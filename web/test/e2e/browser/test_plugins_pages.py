"""Pages as published plugins write them, each pinned, by what is stored of them."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Route

from support.published_clients import pages_written
from support.scene import MATOMO_ID, PLAUSIBLE_ID, SITE, UMAMI_ID, Scene

# Fetching a browser, where none is there, takes minutes.
pytestmark = pytest.mark.timeout(900)

# The server's name in plugins that write https:// before it.
HOST = "stats.example.com"
BODY = """<a id=out href="https://elsewhere.example/">out</a>
<a id=file href="/drawing.dwg">file</a>
<script>addEventListener("click", (event) => event.preventDefault())</script>"""
NO_ICON = '<link rel="icon" href="data:,">'  # which is missing, and an error
# What Plausible's plugin for WordPress writes, by its source: version 2.5 with a page
# that does not exist, and 2.0.
WORDPRESS = """<script id="plausible-analytics-js-after">
window.plausible=window.plausible||function(){
(window.plausible.q=window.plausible.q||[]).push(arguments)},window.plausible.init=function(i){window.plausible.o=i||{}};
var script=document.createElement("script");script.type="text/javascript",
script.defer=!0,script.src="%s/js/%s.js";
var r=document.getElementsByTagName("script")[0];r.parentNode.insertBefore(script,r);
plausible.init([]);
document.addEventListener('DOMContentLoaded', () => {
  plausible( 404, {"props":{"path":document.location.pathname}} ); });
</script>"""
OLDER_WORDPRESS = """<script defer data-domain='%s' data-api='%s/api/event'
  data-cfasync='false' src="%s/js/plausible.outbound-links.js?ver=2.0.9"
  id="plausible-analytics-js"></script>
<script id="plausible-analytics-js-after">window.plausible = window.plausible ||
  function() { (window.plausible.q = window.plausible.q || []).push(arguments) }
</script>"""
# As its site generator does.
SHOW_NEXT = """(path) => {
  const { pathname } = location;
  history.pushState(null, "", path);
  const prevLocation = { pathname, search: "", hash: "" };
  window.onRouteUpdate?.({ location, prevLocation });
}"""


FIRST, NEXT = "pageview", "pageview of the next"
OUT, FILE = "Outbound Link: Click", "File Download"
# By the plugin: what its page counts, at its own tracker too.
COUNTED = {
    "next-plausible": [FIRST, OUT, FILE, NEXT],
    "next-plausible-proxied": [FIRST, OUT, FILE, NEXT],
    "gatsby-plugin-plausible": [FIRST, NEXT],
    "gatsby-plugin-matomo": [FIRST, "javascript: load", OUT, NEXT],
    # It tells of the first page in the snippet, and once more in the browser.
    "docusaurus-plugin-matomo": [FIRST, FIRST, OUT, NEXT],
    "docusaurus-plugin-umami": [FIRST, NEXT],
    "wordpress": [FIRST, "404", OUT, NEXT],
    "wordpress-older": [FIRST, OUT, NEXT],
}


@pytest.fixture(name="written", scope="module")
def what_plugins_write(server_url: str) -> dict[str, Any]:
    ids = (PLAUSIBLE_ID, UMAMI_ID, MATOMO_ID)
    written: dict[str, Any] = pages_written(server_url, HOST, SITE, *ids)
    return written | {
        "wordpress": WORDPRESS % (server_url, PLAUSIBLE_ID),
        "wordpress-older": OLDER_WORDPRESS % (SITE, server_url, server_url),
    }


def leading_to(destination: str) -> Callable[[Route], None]:
    """What a proxy does, or a name that stands for the server."""

    def lead(route: Route) -> None:
        path = urlsplit(route.request.url).path
        url = destination if urlsplit(destination).path else destination + path
        route.fulfill(response=route.fetch(url=url))

    return lead


def stored(scene: Scene) -> Counter[tuple[str, str]]:
    """What is stored of each plugin's page, but for reading."""
    found: Counter[tuple[str, str]] = Counter()
    for row in scene.stored(0):
        _, plugin, *more = row["path"].split("/")
        if row["name"] != "engagement":
            found[plugin, NEXT if more else row["name"]] += 1
    return found


def test_what_plugins_write_into_pages_counts_once(
    scene: Scene, written: dict[str, Any]
) -> None:
    errors: list[str] = []
    scene.page.on("console", lambda each: errors.append(f"{each.type}: {each.text}"))
    scene.page.route(f"https://{HOST}/**", leading_to(scene.server_url))
    for source, destination in written["rewrites"]:
        scene.page.route(scene.site.url + source, leading_to(destination))
    for plugin in COUNTED:
        scene.show(f"/{plugin}", f"<head>{NO_ICON}{written[plugin]}</head>", BODY)
        scene.page.evaluate("window.onRouteUpdate?.({ location, prevLocation: null })")
        scene.page.click("#out")
        scene.page.click("#file")
        scene.page.evaluate(SHOW_NEXT, f"/{plugin}/next")
        scene.wait_until(partial(lambda name: stored(scene)[name, NEXT] > 0, plugin))
    expected = Counter(
        (plugin, name) for plugin, names in COUNTED.items() for name in names
    )
    scene.wait_until(lambda: stored(scene).total() >= expected.total())
    assert stored(scene) == expected
    assert [text for text in errors if text.startswith("error")] == []
    plans = {row["path"] for row in scene.stored(0) if row["props"].get("plan")}
    assert plans == {
        *("/next-plausible", "/next-plausible/next"),
        *("/next-plausible-proxied", "/next-plausible-proxied/next"),
    }
