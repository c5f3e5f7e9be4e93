"""Pages written for Plausible, with another host alone, by what is stored of them."""

from typing import Any

import pytest

from support.scene import (
    PLAUSIBLE_ID,
    SITE,
    Row,
    Scene,
    counted,
    engagements_of,
    names_and_paths,
    views_of,
)

# Fetching a browser, where none is there, takes minutes.
pytestmark = pytest.mark.timeout(900)

STUB = """<script>window.plausible = window.plausible || function () {
  (plausible.q = plausible.q || []).push(arguments) }; plausible("Early")</script>"""
# As its installation guide writes it.
CALLED_STUB = """<script>window.plausible=window.plausible||function(){
  (plausible.q=plausible.q||[]).push(arguments)},
  plausible.init=plausible.init||function(i){plausible.o=i||{}};
  plausible.init(%s)</script>"""
THINGS = """
<a id=out href="https://elsewhere.example/page?q=1">out</a>
<a id=file href="/files/report.mp3?v=2">file</a>
<a id=odd href="/files/drawing.dwg">file</a>
<a id=tagged-link class="plausible-event-name--Go" href="https://elsewhere.example/t">
  go</a>
<div class="plausible-event-name=Sign+Up plausible-event-plan=pro
  plausible-revenue-amount=19.99 plausible-revenue-currency=EUR"><button id=tagged>
  <b>Sign up</b></button></div>
<form id=tagged-form class="plausible-event-name=Search"><input><button id=search>Go
  </button></form>
<form id=form><input id=needed required><button id=submit>Go</button></form>
<script>for (const name of ["click", "submit"])
  addEventListener(name, (event) => {
    if (name == "submit" || event.target.closest("a")) event.preventDefault()
  })</script>
"""


def line(scene: Scene, name: str, attributes: str = f'data-domain="{SITE}"') -> str:
    return f'<script defer {attributes} src="{scene.server_url}/js/{name}"></script>'


def event(rows: list[Row], name: str) -> Row:
    [row] = [row for row in rows if row["name"] == name]
    return row


def click_all(scene: Scene) -> None:
    for found in ("out", "file", "odd", "tagged-link", "tagged", "search"):
        scene.page.click(f"#{found}")


def test_the_older_snippet_counts_what_the_words_of_its_script_ask_for(
    scene: Scene,
) -> None:
    name = "script.tagged-events.outbound-links.hash.file-downloads.pageview-props.js"
    attributes = f'data-domain="{SITE}" event-author="Ada" add-file-types="dwg"'
    scene.show("/start", STUB + line(scene, name, attributes), THINGS)
    scene.stored(2)
    click_all(scene)
    answers = scene.page.evaluate("""() => Promise.all([
      new Promise((callback) => plausible("Buy", { props: { size: 3 }, callback,
        revenue: { amount: 5, currency: "USD" }, interactive: false })),
      new Promise((callback) => plausible("", { callback })) ])""")
    assert answers == [{"status": 202}, {"status": 400}]
    scene.page.evaluate("location.hash = '#/second'")

    rows = counted(scene, 10)
    assert [row["path"] for row in views_of(rows)] == ["/start", "/start#/second"]
    assert {row["props"]["author"] for row in rows} == {"Ada"}
    assert {row["site"] for row in rows} == {SITE}
    assert event(rows, "Early")["path"] == "/start"
    urls = {row["name"]: row["props"].get("url") for row in rows}
    assert urls["Outbound Link: Click"] == "https://elsewhere.example/page?q=1"
    files = [row for row in rows if row["name"] == "File Download"]
    assert {row["props"]["url"] for row in files} == {
        f"{scene.site.url}/files/report.mp3",
        f"{scene.site.url}/files/drawing.dwg",
    }
    assert urls["Go"] == "https://elsewhere.example/t"
    tagged = event(rows, "Sign Up")
    assert tagged["props"] == {"author": "Ada", "plan": "pro"}
    assert (tagged["revenue"], tagged["currency"]) == (19_990, "EUR")
    assert event(rows, "Search")["props"] == {"author": "Ada"}
    bought = event(rows, "Buy")
    assert (bought["props"]["size"], bought["revenue"]) == ("3", 5_000)
    assert bought["interaction"] == 0


def test_the_older_snippet_leaves_out_what_it_is_told_to(scene: Scene) -> None:
    """Each page ends with an event, so that nothing can still be on its way."""
    name = "plausible.local.exclusions.js"
    attributes = f'data-domain="{SITE}" data-exclude="/a/*, /b**" data-include="/**"'
    pages: dict[str, tuple[str, str]] = {
        "/a/left-out": (name, attributes),
        "/a/left/in": (name, attributes),
        "/b/left/out": (name, attributes),
        "/manual": ("analytics.manual.js", f'data-domain="{SITE}"'),
        "/plain": ("plausible.js", f'data-domain="{SITE}"'),
    }
    for path, written in pages.items():
        scene.show(path, line(scene, *written) * 2, THINGS)  # the second one is idle
        click_all(scene)
        scene.page.evaluate("""() => new Promise((callback) =>
          plausible("End", { callback }))""")
    scene.page.evaluate("localStorage.plausible_ignore = 'true'")
    scene.show("/ignored", line(scene, "plausible.js"))
    assert scene.page.evaluate("""() => new Promise((callback) =>
      plausible("Ignored", { callback: (answer) => callback(answer === undefined) })
    )""")

    rows = counted(scene, 7)
    assert {row["path"] for row in views_of(rows)} == {"/a/left/in", "/plain"}
    assert {row["name"] for row in rows} == {"pageview", "End"}


CHOSEN = """{
  customProperties: (name) => ({ of: name }),
  fileDownloads: { fileExtensions: ["dwg"] },
  domain: "nobody.example",
  transformRequest: (sent) => {
    if (sent.n == "Secret") return null;
    sent.u = sent.u.replace("/start", "/told");
    return sent;
  },
}"""


def test_the_newer_snippet_counts_what_its_options_ask_for(scene: Scene) -> None:
    early = "<script>plausible('Early', { props: { of: 'its own' } })</script>"
    head = CALLED_STUB % CHOSEN + early + line(scene, f"{PLAUSIBLE_ID}.js", "")
    scene.show("/start", head, THINGS)
    scene.stored(2)
    click_all(scene)
    scene.page.click("#submit")  # what is needed is missing
    scene.page.fill("#needed", "there")
    scene.page.click("#submit")
    scene.page.evaluate("plausible('Secret')")
    scene.page.evaluate("history.replaceState(null, '', '/replaced')")
    scene.page.evaluate("history.pushState(null, '', '/second?a=1')")
    scene.page.evaluate("history.pushState(null, '', '/second?a=2')")

    rows = counted(scene, 9)
    assert [row["path"] for row in views_of(rows)] == ["/told", "/second"]
    assert {row["site"] for row in rows} == {SITE}
    assert event(rows, "Early")["props"] == {"of": "its own"}
    [file] = [row for row in rows if row["name"] == "File Download"]
    assert file["props"]["url"] == f"{scene.site.url}/files/drawing.dwg"
    assert event(rows, "Form: Submission")["props"] == {"of": "Form: Submission"}
    scene.page.goto("about:blank")
    scene.wait_until(
        lambda: "/second" in {row["path"] for row in engagements_of(scene.stored(0))}
    )


def test_the_newer_snippet_may_be_called_late_and_switch_everything_off(
    scene: Scene,
) -> None:
    said: list[str] = []
    scene.page.on("console", lambda message: said.append(message.text))
    scene.show("/alone", line(scene, "pa-Unknown.js", ""))
    scene.wait_until(lambda: "pagetracker: plausible.init?" in said)
    stub = CALLED_STUB.replace("plausible.init(%s)", "")
    scene.show("/start", stub + line(scene, f"{PLAUSIBLE_ID}.js", ""), THINGS)
    scene.page.evaluate("""plausible("Queued"); plausible.init({
      autoCapturePageviews: false, outboundLinks: false, fileDownloads: false,
      formSubmissions: false })""")
    click_all(scene)
    scene.page.fill("#needed", "there")
    scene.page.click("#submit")
    scene.page.evaluate("plausible('Called')")
    names = sorted(name for name, _ in names_and_paths(counted(scene, 5)))
    assert names == ["Called", "Go", "Queued", "Search", "Sign Up"]


def test_a_page_says_where_to_send_and_which_page_it_is(scene: Scene) -> None:
    """`data-api`, `endpoint`, `hashBasedRouting`, `meta`, `u` and `url`."""
    api = f"{scene.server_url}/api/event"
    older = f'data-domain="{SITE}" data-api="{api}?by=data-api"'
    options = f"{{ endpoint: '{api}?by=endpoint', hashBasedRouting: true }}"
    newer = CALLED_STUB % options + line(scene, f"{PLAUSIBLE_ID}.js", "")
    with scene.page.expect_request(f"{api}?by=data-api"):
        scene.show("/older", line(scene, "plausible.js", older))
    told = f"{scene.site.url}/told"
    scene.page.evaluate(f"plausible('Old', {{ meta: {{ a: 1 }}, u: '{told}' }})")
    scene.stored(2)
    with scene.page.expect_request(f"{api}?by=endpoint"):
        scene.show("/newer", newer)
    scene.page.evaluate(f"plausible('New', {{ url: '{told}' }})")
    scene.page.evaluate("location.hash = '#/second'")

    rows = counted(scene, 5)
    paths = {row["path"] for row in views_of(rows)}
    assert paths == {"/older", "/newer", "/newer#/second"}
    assert (event(rows, "Old")["props"], event(rows, "Old")["path"]) == (
        {"a": "1"},
        "/told",
    )
    assert event(rows, "New")["path"] == "/told"


def test_a_script_that_is_faster_than_the_page_counts_too(scene: Scene) -> None:
    first = line(scene, f"{PLAUSIBLE_ID}.js", "").replace(" defer", "")
    scene.show(
        "/start", first + CALLED_STUB % "" + "<script>plausible('Early')</script>"
    )
    rows = counted(scene, 2)
    assert {row["name"] for row in rows} == {"pageview", "Early"}


def test_a_page_with_plausible_s_plain_script_is_counted_by_ours(scene: Scene) -> None:
    scene.show("/start", STUB + line(scene, "script.js"))
    scene.stored(2)
    scene.page.evaluate("plausible('Late', { props: { plan: 'pro' } })")
    rows = scene.stored(3)
    assert [row["name"] for row in rows] == ["pageview", "Early", "Late"]


def test_an_unknown_name_is_said_in_the_console_and_told_to_the_owner(
    scene: Scene,
) -> None:
    said: list[Any] = []
    scene.page.on("console", lambda message: said.append(message.text))
    scene.context.set_extra_http_headers({"Referer": f"https://{SITE}/start"})
    scene.show("/start", line(scene, "script.foo.js"))
    drop = scene.dropped(SITE)[-1]
    assert (drop["reason"], drop["name"]) == (
        "invalid",
        "script: there is no /js/script.foo.js",
    )
    assert said[0].startswith("Page Tracker has no script /js/script.foo.js")
