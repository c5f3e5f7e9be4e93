"""The guides' snippets in a real browser, by what a real server has stored."""

from functools import partial

import pytest

from support.guides import blocks
from support.processes import wait_until
from support.scene import SITE, Row, Scene, names_and_paths

# Fetching a browser, where none is there, takes minutes.
pytestmark = pytest.mark.timeout(900)

NOTHING = "guides/nothing-is-counted"
TRACKERS = "guides/from-another-tracker"


def snippets(
    scene: Scene, name: str, heading: str, language: str = "html"
) -> list[str]:
    return blocks(name, heading, language, scene.server_url, SITE)


def show(scene: Scene, html: str) -> None:
    """Load a page."""
    scene.site.pages["/page"] = (200, f"<!doctype html><title>Page</title>{html}")
    scene.page.goto(scene.site.url + "/page")


def own_line(scene: Scene) -> str:
    return f'<script defer src="{scene.server_url}/js/script.js" data-domain="{SITE}">'


def nothing_comes(scene: Scene) -> bool:
    """Whether a page has sent nothing by the time that a later one is stored."""
    rows = len(scene.sent)
    scene.page.wait_for_timeout(300)
    return rows == len(scene.sent) == 0


@pytest.mark.parametrize(("allowed", "counted"), [(False, False), (True, True)])
def test_a_policy_lets_the_script_through_with_the_guide_s_line(
    scene: Scene, allowed: bool, counted: bool
) -> None:
    [line] = snippets(scene, NOTHING, "Content-Security-Policy", "text")
    policy = line.partition(": ")[2].strip() if allowed else "default-src 'self'"
    pixel = f'<img src="{scene.server_url}/count?p=/pixel&site={SITE}">'
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    refused: list[str] = []
    scene.page.on("console", lambda message: refused.append(message.text))

    show(scene, f"{meta}{own_line(scene)}</script>{pixel}")

    if counted:
        scene.stored(1)
        assert not refused
    else:
        assert nothing_comes(scene)
        assert sum("Content Security Policy" in each for each in refused) == 2


def test_what_a_consent_banner_holds_back_counts_nothing(scene: Scene) -> None:
    show(scene, own_line(scene).replace("<script ", '<script type="text/plain" '))
    assert nothing_comes(scene)


def test_buttons_leave_a_browser_out_and_let_it_in_again(scene: Scene) -> None:
    [buttons] = snippets(scene, "guides/exclude-yourself", "By your browser")
    [flag] = snippets(scene, "guides/exclude-yourself", "By your browser", "js")
    page = f"{own_line(scene)}</script>{buttons}"

    show(scene, page)
    scene.stored(1)
    scene.page.get_by_text("Do not count me").click()
    assert scene.page.evaluate("localStorage.pagetracker_ignore") == "true"
    scene.page.get_by_text("Count me again").click()
    assert scene.page.evaluate("localStorage.pagetracker_ignore") is None
    scene.page.evaluate(flag)
    sent = len(scene.sent)
    show(scene, page)
    scene.page.wait_for_timeout(300)
    assert names_and_paths(list(scene.stored(1)))[0] == ("pageview", "/page")
    assert len(scene.sent) == sent


@pytest.mark.parametrize(
    ("tracker", "number"),
    [("Plausible", 0), ("Plausible", 1), ("Umami", 0), ("Matomo", 0)],
)
def test_a_line_of_another_tracker_counts_with_another_host(
    scene: Scene, tracker: str, number: int
) -> None:
    show(scene, snippets(scene, TRACKERS, tracker)[number])
    [row] = scene.stored(1)
    assert (row["name"], row["path"], row["site"]) == ("pageview", "/page", SITE)


def test_goatcounter_s_line_counts_for_the_page_s_host(scene: Scene) -> None:
    allow = "<script>window.goatcounter = { allow_local: true }</script>"
    [line] = snippets(scene, TRACKERS, "GoatCounter")
    show(scene, allow + line)
    [drop] = scene.dropped(scene.site.host)
    assert drop["reason"] == "unknown_site"


def test_calls_of_plausible_go_on_with_our_line(scene: Scene) -> None:
    line = next(
        each for each in snippets(scene, TRACKERS, "Plausible") if "data-as" in each
    )
    show(scene, line)
    scene.stored(1)
    scene.page.evaluate("plausible('Signup', { props: { plan: 'pro' } })")
    assert event(scene, "Signup")["props"] == {"plan": "pro"}


@pytest.mark.parametrize(
    ("tracker", "call", "name", "props"),
    [
        (
            "Umami",
            "umami.track('Signup', { plan: 'pro' })",
            "Signup",
            {"plan": "pro"},
        ),
        (
            "Matomo",
            "_paq.push(['trackPageView']);"
            " _paq.push(['trackEvent', 'Shop', 'Signup', 'pro', 3])",
            "Signup",
            {"category": "Shop", "name": "pro", "value": "3"},
        ),
        (
            "Google Analytics",
            "gtag('js', new Date()); gtag('event', 'sign_up', { method: 'mail' })",
            "sign_up",
            {"method": "mail"},
        ),
    ],
)
@pytest.mark.parametrize("when", ["before the script has loaded", "later"])
def test_calls_of_another_tracker_go_on(
    scene: Scene, tracker: str, call: str, name: str, props: Row, when: str
) -> None:
    shim = snippets(scene, TRACKERS, tracker)[-1]
    early = f"<script>{call}</script>" if when != "later" else ""
    show(scene, f"{shim}{early}{own_line(scene)}</script>")
    scene.stored(1)
    if when == "later":
        scene.page.evaluate(call)

    assert event(scene, name)["props"] == props
    rows = scene.all_stored()
    assert [row["name"] for row in rows] == ["pageview", name]


def test_revenue_told_to_google_is_stored(scene: Scene) -> None:
    [shim] = snippets(scene, TRACKERS, "Google Analytics")
    show(scene, f"{shim}{own_line(scene)}</script>")
    scene.page.evaluate("gtag('event', 'purchase', { value: 19.99, currency: 'EUR' })")
    row = event(scene, "purchase")
    assert (row["revenue"], row["currency"]) == (19_990, "EUR")


def test_umami_s_own_page_view_is_one(scene: Scene) -> None:
    shim = snippets(scene, TRACKERS, "Umami")[-1]
    show(scene, f"{shim}{own_line(scene)}</script>")
    scene.stored(1)
    scene.page.evaluate("umami.track()")
    assert [row["name"] for row in scene.stored(2)] == ["pageview", "pageview"]


def test_a_page_shows_its_count(scene: Scene) -> None:
    [html] = snippets(scene, "guides/count-a-badge", "Count with a badge")
    show(scene, own_line(scene) + "</script>")
    scene.stored(1)
    show(scene, html)
    count = scene.page.locator("#count")
    wait_until(partial(lambda: count.inner_text() not in ("", "…")))
    assert int(count.inner_text()) >= 1


def event(scene: Scene, name: str) -> Row:
    """The one event of that name."""
    [row] = [row for row in scene.stored(2) if row["name"] == name]
    return row
