"""Pages written for Umami, with another host alone, by what is stored of them."""

import json
from typing import Any

import pytest
from playwright.sync_api import Request, Route

from support.scene import SITE, UMAMI_ID, Row, Scene, views_of

# Fetching a browser, where none is there, takes minutes.
pytestmark = pytest.mark.timeout(900)

THINGS = """
<a id=link data-umami-event="Link" href="https://elsewhere.example/">link</a>
<button id=button data-umami-event="Sign up" data-umami-event-plan="pro"
  data-umami-event-revenue="19.99" data-umami-event-currency="EUR"><b>Go</b></button>
<a href="https://elsewhere.example/"><span id=inside data-umami-event="No">no</span></a>
<div data-umami-event="No"><i id=child>no</i></div>
<div id=itself data-umami-event="Itself">yes</div>
<script>addEventListener("click", (event) => event.preventDefault())</script>
"""
IDS = ("link", "button b", "inside", "child", "itself")


def open_page(
    scene: Scene, path: str, attributes: str = "", body: str = THINGS
) -> None:
    """A page as its installation guide writes it."""
    line = f'<script defer src="{scene.server_url}/script.js"'
    scene.show(
        path, f'{line} data-website-id="{UMAMI_ID}" {attributes}></script>', body
    )


def told(scene: Scene, number: int) -> list[Row]:
    """What is stored, once there is so much, which is all."""
    scene.wait_until(lambda: len(scene.stored(0)) >= number)
    assert len(scene.stored(0)) == number
    return scene.stored(0)


def test_views_clicks_and_calls_count(scene: Scene) -> None:
    sent: list[dict[str, Any]] = []

    def note(request: Request) -> None:
        if request.method != "GET":
            assert request.method == "POST", "no page waits for a preflight request"
            sent.append(json.loads(request.post_data or ""))

    scene.page.on("request", note)
    open_page(scene, "/start?a=1", 'data-tag="new"')
    scene.stored(1)
    for found in IDS:
        scene.page.click(f"#{found}")
    scene.page.evaluate("""async () => {
      await umami.identify("somebody", { plan: "pro" });
      await umami.track("Deep", { a: { b: [1] } });
      await umami.track((view) => ({ ...view, name: "Made", url: "/elsewhere" }));
      await umami.track(() => null);
      const { website } = umami.getSession();
      await umami.track({ website, url: "/alone", hostname: location.hostname });
      history.pushState(null, "", "/second");
      history.pushState(null, "", "/second");
      history.replaceState({}, "");
    }""")
    scene.wait_until(lambda: len(views_of(scene.stored(0))) == 3)
    scene.page.evaluate("location.hash = 'part'")
    scene.page.evaluate("history.back()")
    scene.page.evaluate("history.pushState(null, '', '#/routed')")
    scene.wait_until(lambda: len(views_of(scene.stored(0))) == 4)
    rows = told(scene, 9)
    assert {row["path"] for row in views_of(rows)} == {
        *("/start", "/alone", "/second", "/second#/routed"),
    }
    events = {row["name"]: row for row in rows if not row["view"]}
    assert set(events) == {"Link", "Sign up", "Itself", "Deep", "Made"}
    assert events["Sign up"]["props"]["plan"] == "pro"
    assert (events["Sign up"]["revenue"], events["Sign up"]["currency"]) == (
        *(19_990, "EUR"),
    )
    assert events["Deep"]["props"] == {"tag": "new", "a.b": "[1]"}
    assert events["Made"]["path"] == "/elsewhere"
    assert {row["site"] for row in rows} == {SITE}
    second = next(each["payload"] for each in sent if "second" in str(each))
    assert second["referrer"] == f"{scene.site.url}/start?a=1"
    assert sent[0]["payload"]["referrer"] == ""
    users = [each["payload"].get("id") for each in sent]
    assert users[0] is None and users[-1] == "somebody"


def test_attributes_and_opting_out_hold(scene: Scene) -> None:
    """Each page ends with an event, so that nothing can still be on its way."""
    host = scene.site.host
    pages = {
        "/manual": 'data-auto-track="false"',
        "/elsewhere": 'data-domains="elsewhere.example"',
        "/here": f'data-domains="b.example, {host}" data-exclude-hash="true"',
        "/changed": 'data-before-send="change" data-exclude-search="true"',
    }
    change = """<script>function change(type, payload) {
      return payload.name == "Gone" ? null : { ...payload, title: type + payload.url }
    }</script>"""
    for path, attributes in pages.items():
        open_page(scene, path + "?a=1#b", attributes, change + THINGS)
        scene.page.click("#itself")
        scene.page.evaluate("umami.track('Gone').then(() => umami.track('End'))")
        scene.page.evaluate("umami.track()")
    scene.page.evaluate("localStorage['umami.disabled'] = 1")
    open_page(scene, "/disabled")
    scene.page.evaluate("umami.track('End')")

    rows = told(scene, 12)
    assert {(row["path"], row["name"]) for row in rows} == {
        *(("/manual#b", name) for name in ("pageview", "Gone", "End")),
        *(("/here", name) for name in ("pageview", "Itself", "Gone", "End")),
        *(("/changed#b", name) for name in ("pageview", "Itself", "End")),
    }
    titles = {row["title"] for row in rows if row["path"] == "/changed#b"}
    assert titles == {f"event{scene.site.url}/changed#b"}


def test_what_fails_is_sent_again_and_stored_once(scene: Scene) -> None:
    """Umami's own script loses it."""
    tries: list[str] = []

    def lose_answer(route: Route) -> None:
        tries.append(route.request.post_data or "")
        if len(tries) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    scene.page.route("**/api/send", lose_answer)
    open_page(scene, "/start")
    scene.wait_until(lambda: len(tries) == 2)
    assert tries[0] == tries[1]
    scene.page.evaluate("umami.track('End')")
    assert {row["name"] for row in told(scene, 2)} == {"pageview", "End"}
