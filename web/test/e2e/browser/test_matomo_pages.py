"""Pages written for Matomo, with another host alone, by what is stored of them."""

import pytest
from playwright.sync_api import ConsoleMessage

from support.scene import (
    MATOMO_ID,
    SITE,
    SITE_OF_USERS,
    Scene,
    counted,
    engagements_of,
    views_of,
)

# Fetching a browser, where none is there, takes minutes.
pytestmark = pytest.mark.timeout(900)

# As its installation guide writes it.
SNIPPET = """<script>
  var _paq = window._paq = window._paq || [];
  %s
  _paq.push(["trackPageView"]);
  _paq.push(["enableLinkTracking"]);
  (function() {
    var u = "%s/";
    _paq.push(["setTrackerUrl", u + "matomo.php"]);
    _paq.push(["setSiteId", "%s"]);
    var d = document, g = d.createElement("script");
    var s = d.getElementsByTagName("script")[0];
    g.async = true; g.src = u + "%s"; s.parentNode.insertBefore(g, s);
  })();
</script>"""
THINGS = """
<a id=out href="https://elsewhere.example/page?q=1">out</a>
<a id=file href="/files/report.PDF">file</a>
<a id=kept href="https://shop.example.net/">ours</a>
<a id=inside href="/inside">inside</a>
<a id=ignored class=matomo_ignore href="https://elsewhere.example/ignored">no</a>
<a id=forced class=piwik_link href="/forced">link</a>
<a id=named download href="/download">download</a>
<a id=mail href="mailto:someone@example.com">mail</a>
<script>addEventListener("click", (event) => event.preventDefault())</script>
"""
LINKS = ("out", "file", "kept", "inside", "ignored", "forced", "named", "mail")


def open_page(
    scene: Scene, path: str, early: str = "", script: str = "matomo.js"
) -> None:
    head = SNIPPET % (early, scene.server_url, MATOMO_ID, script)
    scene.show(path, head, THINGS)
    scene.page.wait_for_function("!!window.Matomo && _paq.taken")


def test_views_links_and_calls_count(scene: Scene) -> None:
    early = """_paq.push(["setDomains", ["*.example.net"]]);
      _paq.push(["setCustomDimension", 2, "of all"]);
      _paq.push(["trackEvent", "Early", "Bird"]);"""
    open_page(scene, "/start?a=1", early, "piwik.js")
    scene.stored(2)
    for found in LINKS:
        scene.page.click(f"#{found}")
    scene.page.evaluate("""() => {
      _paq.push(["trackEvent", "Shop", "Look", "at it", 3]);
      _paq.push(["trackGoal", 4, 9.5], ["trackSiteSearch", "boots", "shoes", 7]);
      _paq.push(["addEcommerceItem", "A1", "Boot", "Shoes", 20, 2]);
      _paq.push(["trackEcommerceOrder", "o-1", 45, 40, 4, 1, false]);
      _paq.push([function () { this.trackContentImpression("Ad", "picture") }]);
      _paq.push(["deleteCustomDimension", 2]);
      _paq.push(["setReferrerUrl", location.href], ["setCustomUrl", "/second"]);
      _paq.push(["setDocumentTitle", "Second"], ["trackPageView"]);
      _paq.push(["setCustomUrl", "/application#/routed"]);
      _paq.push(["setDocumentTitle", "404/URL = /gone"], ["trackPageView"]);
      Matomo.getAsyncTracker().trackLink("https://elsewhere.example/", "link");
    }""")
    rows = counted(scene, 14)
    assert {row["site"] for row in rows} == {SITE}
    views = {row["path"]: row for row in views_of(rows)}
    assert {path: row["title"] for path, row in views.items()} == {
        "/start": "Title of /start?a=1",
        "/second": "Second",
        "/application#/routed": "404/URL = /gone",
    }
    assert views["/start"]["props"] == {"dimension2": "of all"}
    assert views["/second"]["props"] == {}
    events = {row["name"]: row["props"] for row in rows if not row["view"]}
    assert set(events) == {
        *("Early: Bird", "Shop: Look", "Goal 4", "Site Search", "Order"),
        *("Content Impression", "Outbound Link: Click", "File Download"),
    }
    assert events["Shop: Look"]["value"] == "3"
    assert (events["Order"]["items"], events["Order"]["revenue"]) == ("1", "45")
    assert events["Goal 4"]["revenue"] == "9.5"
    assert events["Site Search"]["search"] == "boots"
    urls = {(row["name"], row["props"]["url"]) for row in rows if "url" in row["props"]}
    assert urls == {
        ("Outbound Link: Click", "https://elsewhere.example/page?q=1"),
        ("Outbound Link: Click", "https://elsewhere.example/"),
        ("Outbound Link: Click", f"{scene.site.url}/forced"),
        ("File Download", f"{scene.site.url}/files/report.PDF"),
        ("File Download", f"{scene.site.url}/download"),
    }
    scene.page.goto("about:blank")
    scene.wait_until(
        lambda: {row["path"] for row in engagements_of(scene.stored(0))}
        == {"/start", "/second", "/application"}
    )


def test_nothing_counts_without_consent_or_against_a_wish(scene: Scene) -> None:
    """Each page counts one thing in the end, so that nothing is still on its way."""
    wish = 'Object.defineProperty(navigator, "doNotTrack", { value: "1" });'
    open_page(scene, "/do-not-track", f'{wish} _paq.push(["setDoNotTrack", true]);')
    wait = '_paq.push(["requireConsent"]);'
    open_page(scene, "/asked", wait)
    scene.page.evaluate("_paq.push(['trackEvent', 'Kept', 'Back'])")
    assert scene.context.cookies() == []
    scene.page.wait_for_timeout(200)
    assert scene.stored(0) == []
    scene.page.evaluate("_paq.push(['rememberConsentGiven'])")
    assert {row["name"] for row in counted(scene, 2)} == {"pageview", "Kept: Back"}
    open_page(scene, "/remembered", wait)
    assert {row["path"] for row in views_of(counted(scene, 3))} == {
        *("/asked", "/remembered"),
    }

    scene.page.evaluate("_paq.push(['optUserOut'])")
    open_page(scene, "/opted-out")
    assert scene.page.evaluate("Matomo.getTracker().isUserOptedOut()")
    scene.page.evaluate("""_paq.push(["trackEvent", "No", "No"], ["forgetUserOptOut"],
      ["trackEvent", "In", "Again"])""")
    rows = counted(scene, 4)
    assert {row["name"] for row in rows if row["path"] == "/opted-out"} == {"In: Again"}


CONTENT = """
<div data-track-content data-content-name="Banner"><img data-content-piece="ad.png">
  <a id=target data-content-target href="#landing">go</a><i id=beside>beside</i></div>
<a id=alone class=matomoTrackContent title="Alone" href="#alone">alone</a>
<a id=ignored class="matomoTrackContent matomoContentIgnoreInteraction"
  data-content-name="Ignored" href="#ignored">ignored</a>
<p style="height: 9000px">far
<div id=far class=piwikTrackContent data-content-name="Far">seen late</div>"""


def test_content_counts_when_it_is_shown_and_when_it_is_clicked(scene: Scene) -> None:
    head = SNIPPET % ("", scene.server_url, MATOMO_ID, "matomo.js")
    scene.show("/start", head, CONTENT)
    scene.stored(1)
    scene.page.evaluate("""() => {
      _paq.push(["trackVisibleContentImpressions"]); }""")
    scene.stored(4)
    for found in ("beside", "target", "alone", "ignored"):
        scene.page.click(f"#{found}")
    scene.stored(6)
    scene.page.locator("#far").scroll_into_view_if_needed()
    scene.stored(7)
    scene.page.evaluate("""() => {
      _paq.push(["trackAllContentImpressions"]);
      _paq.push(["trackContentInteractionNode", document.querySelector("#far")]);
      _paq.push(["setCustomUrl", "/second"], ["trackPageView"]);
      _paq.push(["trackContentImpressionsWithinNode", document.body]); }""")
    rows = counted(scene, 13)
    told = [(row["name"].split()[-1], row["props"]) for row in rows if not row["view"]]
    page = f"{scene.site.url}/start"
    banner = {"name": "Banner", "piece": "ad.png", "target": f"{page}#landing"}
    alone = {"name": "Alone", "piece": "Unknown", "target": f"{page}#alone"}
    ignored = {"name": "Ignored", "piece": "Unknown", "target": f"{page}#ignored"}
    far = {"name": "Far", "piece": "Unknown"}
    acted = {props["name"]: props for kind, props in told if kind == "Interaction"}
    assert acted == {
        "Banner": {**banner, "action": "click"},
        "Alone": {**alone, "action": "click"},
        "Far": {**far, "action": "Unknown"},
    }
    shown = [props for kind, props in told if kind == "Impression"]
    assert len(shown) == 8
    assert all(shown.count(each) == 2 for each in (banner, alone, ignored, far))


ASKED_FOR = """<script>window.matomoAsyncInit = () => {
  const tracker = Matomo.getTracker("%s/matomo.php", 1);
  tracker.addTracker("", "users.example");
  tracker.disableCookies();
  tracker.enableHeartBeatTimer();
  tracker.setLinkClasses("classed");
  tracker.enableLinkTracking();
  tracker.enableJSErrorTracking();
  tracker.trackAll();
  tracker.trackPageView(tracker.getUserId());
}</script><script async src="%s/matomo.js"></script>"""


def test_a_page_may_ask_for_trackers_and_for_what_does_not_exist_here(
    scene: Scene,
) -> None:
    said: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "warning":
            said.append(message.text)

    scene.page.on("console", hear)
    scene.show("/start", f'<script src="{scene.server_url}/matomo.js"></script>')
    scene.wait_until(lambda: said == ["pagetracker: setSiteId is missing"])
    link = '<a id=link class=classed href="#inside">link</a>'
    scene.show("/start", ASKED_FOR % ((scene.server_url,) * 2), link)
    scene.stored(2)
    assert scene.page.evaluate("`${Matomo.getTracker()}`") == "[object Object]"
    scene.page.click("#link")
    scene.page.evaluate("""() => {
      const error = { message: "broken", filename: "a.js", lineno: 3, colno: 4 };
      for (const each of [1, 2]) dispatchEvent(new ErrorEvent("error", error));
      _paq.push([], ["setUserId", "somebody"], ["trackEvent", "Signed", "In"]);
    }""")
    rows = counted(scene, 8)
    names = ("pageview", "Outbound Link: Click", "JavaScript Errors: a.js:3:4")
    assert sorted((row["site"], row["name"]) for row in rows) == sorted(
        (site, name)
        for site in (SITE, SITE_OF_USERS)
        for name in (*names, "Signed: In")
    )
    visitors = {
        site: {row["visitor"] for row in rows if row["site"] == site}
        for site in (SITE, SITE_OF_USERS)
    }
    assert [len(visitors[site]) for site in (SITE, SITE_OF_USERS)] == [1, 2]
    idle = ("trackAll", "undefined")
    assert said[1:] == [f"pagetracker: {name} does nothing here" for name in idle]
