"""The script in a real browser, by what a real server has stored of it."""

from collections.abc import Callable

import pytest

from support.scene import (
    SITE,
    SITE_THAT_RESPECTS_DNT,
    Scene,
    names_and_paths,
    paths_of,
    views_of,
)

# Fetching a browser, where none is there, takes minutes.
pytestmark = pytest.mark.timeout(900)

STUB = (
    "<script>window.pagetracker = window.pagetracker || function () {"
    " (pagetracker.q = pagetracker.q || []).push(arguments) }</script>"
)


def test_a_view_is_stored_once_with_all_that_is_known_of_it(scene: Scene) -> None:
    scene.open()
    (row,) = scene.all_stored()
    assert (row["site"], row["name"], row["path"]) == (SITE, "pageview", "/start")
    assert row["title"] == "Title of /start"
    assert (row["browser"], row["os"], row["device"]) == ("Chrome", "Linux", "Desktop")
    assert row["language"] == "de-AT"
    assert row["screen"] == "Laptop"
    assert row["props"] == {}


def test_nothing_is_kept_in_the_browser(scene: Scene) -> None:
    scene.open()
    assert len(scene.all_stored()) == 1
    assert scene.context.cookies() == []
    assert scene.page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert scene.page.evaluate("indexedDB.databases()") == []


def test_a_page_that_names_no_site_is_its_hosts(scene: Scene) -> None:
    scene.open("", "")
    (drop,) = scene.dropped(scene.site.host)
    assert drop["reason"] == "unknown_site"


def test_a_second_script_counts_nothing(scene: Scene) -> None:
    scene.open(scene.second_script)
    assert names_and_paths(scene.all_stored()) == [("pageview", "/start")]


def test_an_application_that_changes_the_address_is_viewed_anew(scene: Scene) -> None:
    scene.open()
    scene.page.evaluate(
        "history.pushState(null, '', '/second'); document.title = 'Second'"
    )
    scene.views(2)
    scene.page.evaluate("history.pushState(null, '', '/second?sorted=1#top')")
    scene.page.evaluate("history.replaceState(null, '', '/replaced')")
    scene.page.evaluate("history.pushState(null, '', '/third')")
    views = scene.views(3)
    assert paths_of(views) == ["/start", "/second", "/third"]
    assert [view["title"] for view in views][:2] == ["Title of /start", "Second"]


def test_back_and_forward_within_an_application_are_views(scene: Scene) -> None:
    scene.open()
    scene.page.evaluate("history.pushState(null, '', '/second')")
    scene.views(2)
    scene.page.evaluate("history.back()")
    scene.views(3)
    scene.page.evaluate("history.forward()")
    paths = ["/start", "/second", "/start", "/second"]
    assert paths_of(scene.views(4)) == paths


def test_an_application_that_is_left_at_once_is_viewed_nevertheless(
    scene: Scene,
) -> None:
    scene.open()
    scene.page.evaluate(
        "history.pushState(null, '', '/second'); location.href = 'about:blank'"
    )
    scene.wait_until(lambda: len(views_of(scene.stored(1))) == 2)


def test_replaced_addresses_are_views_where_asked_for(scene: Scene) -> None:
    scene.open("", f'data-domain="{SITE}" data-replace')
    scene.page.evaluate("history.replaceState(null, '', '/replaced')")
    assert paths_of(scene.views(2)) == ["/start", "/replaced"]


@pytest.mark.parametrize(
    "attribute, paths",
    [("", ["/start"]), ("data-hash", ["/start", "/start#/a", "/start#/b"])],
)
def test_hash_routes_are_views_where_asked_for(
    scene: Scene, attribute: str, paths: list[str]
) -> None:
    scene.open("", f'data-domain="{SITE}" {attribute}')
    scene.page.evaluate("location.hash = '#/a'")
    scene.views(min(2, len(paths)))
    scene.page.evaluate("location.hash = '#/b'")
    assert paths_of(scene.views(len(paths))) == paths


def test_a_change_of_the_query_alone_is_no_view_where_hashes_are_routes(
    scene: Scene,
) -> None:
    scene.open("", f'data-domain="{SITE}" data-hash')
    scene.page.evaluate("history.pushState(null, '', '?sorted=1')")
    scene.page.wait_for_timeout(200)
    scene.page.evaluate("location.hash = '#/a'")
    assert paths_of(scene.views(2)) == ["/start", "/start#/a"]


def test_a_page_may_count_its_views_itself(scene: Scene) -> None:
    scene.open("", f'data-domain="{SITE}" data-manual')
    scene.page.evaluate("history.pushState(null, '', '/second')")
    scene.page.evaluate("pagetracker('pageview', { url: location.origin + '/chosen' })")
    assert names_and_paths(scene.all_stored()) == [("pageview", "/chosen")]


def test_events_carry_properties_and_revenue(scene: Scene) -> None:
    scene.open()
    called_back = scene.page.evaluate("""new Promise((done) =>
            pagetracker("Purchase", {
              props: { plan: "pro", seats: 3 },
              revenue: { amount: "19.99", currency: "EUR" },
              interactive: false,
              callback: () => done("called back"),
            }))""")
    assert called_back == "called back"
    event = scene.all_stored()[1]
    assert event["name"] == "Purchase"
    assert event["props"] == {"plan": "pro", "seats": "3"}
    assert (event["revenue"], event["currency"]) == (19990, "EUR")
    assert event["interaction"] == 0


def test_events_before_the_script_has_loaded_are_stored_after_the_view(
    scene: Scene,
) -> None:
    early = "<script>pagetracker('Early', { props: { when: 'before' } })</script>"
    scene.open(STUB + early)
    view, event = scene.all_stored()
    assert (view["name"], event["name"]) == ("pageview", "Early")
    assert event["props"] == {"when": "before"}


def test_the_function_may_have_another_name(scene: Scene) -> None:
    stub = STUB.replace("pagetracker", "plausible")
    scene.open(
        stub + "<script>plausible('Early')</script>",
        f'data-domain="{SITE}" data-as="plausible"',
    )
    scene.page.evaluate("plausible('Late')")
    assert [row["name"] for row in scene.stored(3)] == ["pageview", "Early", "Late"]


def test_properties_of_the_script_are_those_of_every_hit(scene: Scene) -> None:
    scene.open("", f'data-domain="{SITE}" data-prop-author="Ada" data-prop-draft="no"')
    scene.page.evaluate("pagetracker('Signup', { props: { draft: 'yes' } })")
    view, event = scene.all_stored()
    assert view["props"] == {"author": "Ada", "draft": "no"}
    assert event["props"] == {"author": "Ada", "draft": "yes"}


def test_elements_say_which_event_a_click_on_them_is(scene: Scene) -> None:
    scene.open(
        '<button data-event="Signup" data-prop-plan="pro" data-amount="5"'
        ' data-currency="USD">Sign up for <b>pro</b></button>'
    )
    scene.page.click("b")
    _, event = scene.all_stored()
    assert event["name"] == "Signup"
    assert event["props"] == {"plan": "pro"}
    assert (event["revenue"], event["currency"]) == (5000, "USD")


def test_a_form_is_one_event_when_it_is_submitted(scene: Scene) -> None:
    scene.open(
        '<form data-event="Search" data-prop-from="top" onsubmit="return false">'
        "<input name=q><button>Go</button></form>"
    )
    scene.page.click("input")
    scene.page.click("button")
    view, event = scene.all_stored()
    assert (view["name"], event["name"]) == ("pageview", "Search")
    assert event["props"] == {"from": "top"}


LINKS = """
<a id=outbound href="https://elsewhere.example/page?q=1">out</a>
<a id=file href="/files/report.PDF">file</a>
<a id=other-file href="https://elsewhere.example/setup.exe">file</a>
<a id=inside href="/inside.html">inside</a>
<a id=mail href="mailto:someone@example.com">mail</a>
<a id=script href="javascript:void 0">script</a>
<a>no link</a>
<script>addEventListener("click", (event) => event.preventDefault())</script>
"""


@pytest.mark.parametrize(
    "link, event",
    [
        ("outbound", ("Outbound Link: Click", "https://elsewhere.example/page?q=1")),
        ("other-file", ("File Download", "https://elsewhere.example/setup.exe")),
        ("inside", None),
        ("mail", None),
        ("script", None),
    ],
)
def test_links_that_leave_and_files_are_events(
    scene: Scene, link: str, event: tuple[str, str] | None
) -> None:
    scene.open(LINKS)
    scene.page.click(f"#{link}")
    rows = scene.all_stored()[1:]
    assert [(row["name"], row["props"]["url"]) for row in rows] == (
        [event] if event else []
    )


def test_a_file_of_the_site_itself_is_a_download(scene: Scene) -> None:
    scene.open(LINKS)
    scene.page.click("#file")
    _, row = scene.all_stored()
    assert row["name"] == "File Download"
    assert row["props"] == {"url": f"{scene.site.url}/files/report.PDF"}


def test_a_link_that_is_followed_is_stored_though_the_page_is_left(
    scene: Scene,
) -> None:
    target = scene.site.url.replace(scene.site.host, "localhost") + "/elsewhere"
    scene.site.pages["/elsewhere"] = (200, "elsewhere")
    scene.open(f'<a href="{target}">out</a>')
    scene.page.click("a")
    scene.page.wait_for_url(target)
    assert "Outbound Link: Click" in [row["name"] for row in scene.stored(2)]


def test_the_middle_button_opens_links_too_and_the_right_one_does_not(
    scene: Scene,
) -> None:
    scene.open(LINKS)
    scene.page.click("#outbound", button="right")
    assert len(scene.all_stored()) == 1
    scene.page.click("#outbound", button="middle")
    assert len(scene.stored(3)) == 3  # with the event sent last, above


def test_a_page_that_was_not_found_is_an_event_that_ends_no_bounce(
    scene: Scene,
) -> None:
    scene.open("", f'data-domain="{SITE}" data-404')
    view, event = scene.all_stored()
    assert (view["name"], event["name"]) == ("pageview", "404")
    assert (event["path"], event["interaction"]) == ("/start", 0)


def test_who_has_opted_out_sends_nothing(scene: Scene) -> None:
    sent: list[str] = []
    scene.page.on("request", lambda request: sent.append(request.method))
    scene.site.pages["/flag"] = (
        200,
        "<script>localStorage.pagetracker_ignore = 'true'</script>",
    )
    scene.page.goto(f"{scene.site.url}/flag")
    scene.open()
    scene.page.evaluate("pagetracker('Signup')")
    scene.page.goto("about:blank")
    assert "POST" not in sent
    scene.page.goto(f"{scene.site.url}/flag")
    scene.page.evaluate("localStorage.clear()")
    scene.open()
    assert len(scene.all_stored()) == 1


def test_who_asks_for_privacy_sends_nothing(scene: Scene) -> None:
    sent: list[str] = []
    scene.page.on("request", lambda request: sent.append(request.method))
    # This Chromium has no such setting; other browsers have.
    scene.context.add_init_script(
        "Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })"
    )
    scene.open()
    scene.page.evaluate("pagetracker('Signup')")
    scene.page.goto("about:blank")
    assert "GET" in sent
    assert "POST" not in sent


@pytest.mark.parametrize(
    "wish",
    [
        "localStorage.pagetracker_ignore = 'true'",
        "Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })",
    ],
)
def test_who_is_not_counted_is_called_back_all_the_same(
    scene: Scene, wish: str
) -> None:
    scene.open()
    scene.page.evaluate(wish)
    assert scene.page.evaluate("""() => {
            let called = false;
            pagetracker("Signup", { callback: () => { called = true } });
            return called }""")


def test_do_not_track_holds_where_the_site_respects_it(scene: Scene) -> None:
    scene.context.set_extra_http_headers({"DNT": "1"})
    scene.open("", f'data-domain="{SITE_THAT_RESPECTS_DNT}"')
    (drop,) = scene.dropped(SITE_THAT_RESPECTS_DNT)
    assert drop["reason"] == "opted_out"
    scene.open()
    assert [row["site"] for row in scene.stored(1)] == [SITE]


def test_forbidden_storage_is_no_obstacle(scene: Scene) -> None:
    scene.context.add_init_script("""Object.defineProperty(window, "localStorage", {
             get() { throw new DOMException("forbidden", "SecurityError") } })""")
    scene.open()
    assert len(scene.all_stored()) == 1


def test_a_page_out_of_the_browsers_memory_is_a_view(
    scene: Scene, untended: Callable[[str], None]
) -> None:
    onward = "<script>setTimeout(() => { location.href = '/second' }, 500)</script>"
    back = "<script>setTimeout(() => history.back(), 500)</script>"
    scene.put("/second", back)
    untended(scene.put("/first", onward))
    scene.wait_until(lambda: len(views_of(scene.stored(1))) >= 3)
    paths = paths_of(views_of(scene.stored(1)))
    assert paths[:3] == ["/first", "/second", "/first"]
    assert scene.site.requested.count("/first") == 1, "it was loaded anew"


@pytest.mark.parametrize("scripts", [1, 2])
def test_a_page_that_is_loaded_ahead_counts_when_it_is_seen(
    scene: Scene, untended: Callable[[str], None], scripts: int
) -> None:
    scene.put("/ahead", scene.second_script * (scripts - 1))
    body = (
        '<script type="speculationrules">'
        '{"prerender": [{"urls": ["/ahead"], "eagerness": "immediate"}]}</script>'
        "<script>setTimeout(() => { location.href = '/ahead' }, 2000)</script>"
    )
    untended(scene.put("/first", body))
    scene.wait_until(lambda: "/ahead" in scene.site.requested)
    scene.page.wait_for_timeout(700)
    assert paths_of(views_of(scene.stored(1))) == ["/first"]
    scene.wait_until(lambda: len(views_of(scene.stored(1))) >= 2)
    scene.page.wait_for_timeout(200)
    assert paths_of(views_of(scene.stored(1))) == ["/first", "/ahead"]
    assert scene.site.requested.count("/ahead") == 1
