"""What the script tells of reading, and again where telling failed, in a browser."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Request, Route

from support.scene import Scene, engagements_of, names_and_paths, paths_of, views_of

# Fetching a browser, where none is there, takes minutes.
pytestmark = pytest.mark.timeout(900)

MINUTE = 60_000  # milliseconds

# Reading

TALL = '<div style="height: 4000px"></div>'


def test_reading_is_told_when_the_page_is_left(scene: Scene) -> None:
    scene.open(TALL)
    scene.stored(1)
    scene.page.wait_for_timeout(300)
    scene.page.goto("about:blank")
    _, engagement = scene.stored(2)
    assert (engagement["name"], engagement["path"]) == ("engagement", "/start")
    assert 250 <= engagement["engaged"] < 30_000
    assert 10 <= engagement["scroll"] < 40


def test_the_deepest_point_that_was_seen_is_told(scene: Scene) -> None:
    scene.open(TALL)
    scene.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    scene.page.wait_for_function("scrollY > 1000")
    scene.page.wait_for_timeout(100)
    scene.page.evaluate("scrollTo(0, 0)")
    scene.page.wait_for_function("scrollY == 0")
    scene.page.goto("about:blank")
    assert [row["scroll"] for row in engagements_of(scene.stored(2))] == [100]


def test_reading_within_an_application_is_told_by_page(scene: Scene) -> None:
    scene.open(TALL)
    scene.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    scene.page.wait_for_timeout(200)
    scene.page.evaluate("scrollTo(0, 0); history.pushState(null, '', '/second')")
    scene.views(2)
    scene.page.goto("about:blank")
    first, second = engagements_of(scene.stored(5))
    assert (first["path"], first["scroll"]) == ("/start", 100)
    assert second["path"] == "/second"
    assert second["scroll"] < 100
    assert second["engaged"] < first["engaged"] + 10_000


FILLED = '<div style="height: 4000px">long</div>'
SCROLLERS = {
    "the window": "",
    "an element": "<style>body { margin: 0; height: 100vh; overflow: hidden }"
    " main { height: 100%; overflow-y: auto }</style>",
    "an element below a head": "<style>body { margin: 0; overflow: hidden }"
    " main { margin-top: 80px; height: calc(100vh - 80px);"
    " overflow-y: scroll }</style>",
    "the body": "<style>html, body { height: 100%; margin: 0; overflow-x: hidden }"
    " html { overflow-y: hidden }</style>",
    "the window, for its body": "<style>html, body { height: 100%; margin: 0 }"
    " body { overflow-x: hidden }</style>",
}


@pytest.mark.parametrize("kind", SCROLLERS)
@pytest.mark.parametrize(("pixels", "least", "most"), [(0, 10, 30), (9_000, 98, 100)])
def test_depth_is_of_what_scrolls(
    scene: Scene, kind: str, pixels: int, least: int, most: int
) -> None:
    small = '<div style="height: 40px; overflow: auto">' + FILLED + "</div>"
    scene.open(f"{SCROLLERS[kind]}<main>{small}{FILLED}</main>")
    scene.page.evaluate(f"""() => {{
            for (const node of document.querySelectorAll("html, body, main"))
              node.scrollTop = {pixels} }}""")
    scene.page.wait_for_timeout(200)
    scene.page.goto("about:blank")
    (engagement,) = engagements_of(scene.stored(2))
    assert least <= engagement["scroll"] <= most


def sent_of(scene: Scene) -> list[dict[str, Any]]:
    """The bodies of all that the page sends from now on."""
    bodies: list[dict[str, Any]] = []

    def note(request: Request) -> None:
        if request.method == "POST":
            bodies.append(json.loads(request.post_data or ""))

    scene.page.on("request", note)
    return bodies


def told_of(sent: list[dict[str, Any]]) -> list[float]:
    """Minutes of each engagement."""
    return [body["e"] / MINUTE for body in sent if body["name"] == "engagement"]


def test_a_long_read_is_told_while_it_lasts(scene: Scene) -> None:
    sent = sent_of(scene)
    scene.page.clock.install()
    scene.open()
    scene.stored(1)
    scene.page.clock.run_for(65 * MINUTE)
    assert engagements_of(scene.stored(5))
    told = told_of(sent)
    assert len(told) == 4 and all(14 < each < 17 for each in told)
    scene.page.evaluate("history.pushState(null, '', '/second')")
    assert 65 <= sum(told_of(sent)) < 69


def test_a_computer_that_slept_read_nothing_meanwhile(scene: Scene) -> None:
    sent = sent_of(scene)
    scene.page.clock.install()
    scene.open()
    scene.stored(1)
    scene.page.clock.fast_forward(8 * 60 * MINUTE)
    scene.page.evaluate("history.pushState(null, '', '/second')")
    scene.views(2)
    (told,) = told_of(sent)
    assert 0 < told < 3


def test_a_clock_that_is_set_back_takes_nothing_away(scene: Scene) -> None:
    sent = sent_of(scene)
    scene.page.clock.install(time="2026-11-27T12:00:00Z")
    scene.open()
    scene.stored(1)
    scene.page.clock.run_for(MINUTE)
    scene.page.clock.set_system_time("2026-11-27T08:00:00Z")
    scene.page.evaluate("history.pushState(null, '', '/second')")
    scene.views(2)
    (told,) = told_of(sent)
    assert 1 <= told < 2


# Failures


def failing(times: int, fail: Callable[[Route], None]) -> Callable[[Route], None]:
    """Fail so many requests to the event API, and let the others through."""
    left = [times]

    def handle(route: Route) -> None:
        left[0] -= 1
        (fail if left[0] >= 0 else Route.continue_)(route)

    return handle


def lose_answer(route: Route) -> None:
    """The server takes it, but the browser never hears so."""
    route.fetch()
    route.abort()


def away(route: Route) -> None:
    route.fulfill(
        status=503,
        headers={
            "Retry-After": "1",
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Expose-Headers": "Retry-After",
        },
    )


@pytest.mark.parametrize(
    "fail", [Route.abort, lose_answer, away], ids=["no network", "no answer", "503"]
)
def test_what_fails_is_sent_again_and_stored_once(
    scene: Scene, fail: Callable[[Route], None]
) -> None:
    bodies: list[dict[str, Any]] = []

    def note(request: Request) -> None:
        if request.method == "POST":
            bodies.append(json.loads(request.post_data or ""))

    scene.page.route("**/api/event", failing(1, fail))
    scene.page.on("request", note)
    scene.open()
    scene.wait_until(lambda: len(bodies) == 2)
    assert bodies[0] == bodies[1]
    assert len(bodies[0]["id"]) > 20
    assert names_and_paths(scene.all_stored()) == [("pageview", "/start")]


def test_what_fails_is_sent_again_before_the_page_is_left(scene: Scene) -> None:
    scene.page.route("**/api/event", failing(1, Route.abort))
    with scene.page.expect_event("requestfailed"):
        scene.open()
    scene.page.goto("about:blank")
    # What tells of the reading is sent beside it, and may be there first.
    scene.wait_until(lambda: bool(views_of(scene.stored(1))))
    assert paths_of(views_of(scene.stored(1))) == ["/start"]


def test_what_fails_twice_is_given_up_without_an_error(scene: Scene) -> None:
    answers: list[int] = []
    scene.page.on("response", lambda response: answers.append(response.status))
    scene.page.route("**/api/event", failing(2, away))
    scene.open()
    scene.wait_until(lambda: answers.count(503) == 2)
    assert scene.all_stored() == []
