"""Pages written for GoatCounter, with another host alone, by what is stored of them."""

import json

import pytest
from playwright.sync_api import ConsoleMessage, Dialog

from support.scene import SITE, Scene, counted, engagements_of

# Fetching a browser, where none is there, takes minutes.
pytestmark = pytest.mark.timeout(900)

LOCAL = "<script>window.goatcounter = { allow_local: true }</script>"
THINGS = """
<a id=out data-goatcounter-click="out" data-goatcounter-title="Title"
  data-goatcounter-referrer="from" href="https://elsewhere.example/">out</a>
<button id=named data-goatcounter-click>named <b>by its id</b></button>
<script>addEventListener("click", (event) => event.preventDefault())</script>
"""


def line(scene: Scene, attributes: str = "") -> str:
    """As its installation guide writes it."""
    endpoint = f'data-goatcounter="{scene.server_url}/count?site={SITE}"'
    return f'<script {endpoint} {attributes} async src="{scene.server_url}/count.js">'


def open_page(
    scene: Scene, path: str, *, head: str = LOCAL, attributes: str = "", body: str = ""
) -> None:
    scene.show(path, f"{head}{line(scene, attributes)}</script>", body)
    scene.page.wait_for_function("!!window.goatcounter?.count")


def test_views_and_clicks_count_as_the_page_says(scene: Scene) -> None:
    with scene.page.expect_request("**/api/event") as asked:
        open_page(scene, "/start?utm_source=letter", body=THINGS)
    sent = json.loads(asked.value.post_data or "")
    assert sent["u"] == f"{scene.site.url}/start?utm_source=letter"
    scene.stored(1)
    scene.page.click("#out", button="middle")
    scene.page.click("#named b")
    scene.page.evaluate("""() => {
      goatcounter.bind_events(); // is no second time
      history.pushState(null, "", "/of-the-application");
      goatcounter.count({ path: "/second?x=1#part", title: "Second", referrer: "r" });
      goatcounter.count({ path: (path) => path + "/made", title: (t) => t + "!" });
      goatcounter.count({ path: () => null });
      goatcounter.count({ path: "signed-up", event: true });
    }""")
    rows = counted(scene, 6)
    views = {row["path"]: row for row in rows if row["view"]}
    assert set(views) == {"/start", "/second#part", "/of-the-application/made"}
    assert views["/start"]["title"] == "Title of /start?utm_source=letter"
    assert views["/second#part"]["title"] == "Second"
    assert views["/of-the-application/made"]["title"].endswith("letter!")
    events = {row["name"]: row for row in rows if not row["view"]}
    assert set(events) == {"out", "named", "signed-up"}
    assert (events["out"]["path"], events["out"]["title"]) == ("/start", "Title")
    assert events["named"]["title"] == "named <b>by its id</b>"
    assert {row["site"] for row in rows} == {SITE}
    scene.page.goto("about:blank")
    scene.wait_until(lambda: len(engagements_of(scene.stored(0))) >= 2)


def test_settings_and_opting_out_hold(scene: Scene) -> None:
    said: list[str] = []
    asked: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "warning":
            said.append(message.text)

    def agree(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept()

    scene.page.on("console", hear)
    scene.page.on("dialog", agree)
    open_page(scene, "/local", head="")
    assert said == ["goatcounter: not counting because of: localhost"]
    scene.show("/framed", f'<iframe src="/start"></iframe>{LOCAL}')
    settings = """data-goatcounter-settings='{"allow_local": true, "no_onload": true,
      "no_events": true, "path": "/chosen", "endpoint": "https://nobody.example"}'"""
    canonical = '<link rel="canonical" href="/canonical?a=1">'
    open_page(
        scene, "/start?Who=a%20b", head=canonical, attributes=settings, body=THINGS
    )
    scene.page.click("#out")
    assert (
        scene.page.evaluate("""() => {
      goatcounter.count();
      const { p } = goatcounter.get_data({ path: (path) => path });
      const url = new URL(goatcounter.url({ path: "/a b", event: true }));
      return [p, goatcounter.get_query("who"), url.pathname, url.searchParams.get("p"),
        url.searchParams.get("e"), goatcounter.filter()] }""")
        == [*("/canonical?a=1", "a%20b", "/count", "/a b", "true", False)]
    )
    assert [row["path"] for row in counted(scene, 1)] == ["/chosen"]

    open_page(scene, "/start#toggle-goatcounter")
    assert asked == ["Your visits here are no longer counted."]
    open_page(scene, "/again")
    assert said[-1].endswith("because of: disabled with #toggle-goatcounter")
    counted(scene, 1)


def test_a_page_shows_its_visits(scene: Scene) -> None:
    open_page(scene, "/a%20b/c.html?a=1", body="<div id=here></div>")
    scene.stored(1)
    scene.page.evaluate("""() => {
      goatcounter.visit_count({ append: "#here", style:
        "p { color: rgb(1, 2, 3) }</style><b id=foreign>no style</b>" });
      goatcounter.visit_count({ type: "png", no_branding: true });
      goatcounter.visit_count({ type: "svg", path: "TOTAL", attr: { id: "total" } });
    }""")
    frame = scene.page.frame_locator("#here iframe")
    assert int(frame.locator("#gcvc-views").inner_text()) >= 1
    assert frame.locator("#gcvc-for").inner_text() == "views of this page"
    assert frame.locator("#gcvc-for").evaluate("(p) => getComputedStyle(p).color") == (
        "rgb(1, 2, 3)"
    )
    assert frame.locator("#foreign").count() == 0
    scene.page.wait_for_function("""() => document.images.length == 2 &&
      [...document.images].every((image) => image.complete && image.naturalWidth)""")
