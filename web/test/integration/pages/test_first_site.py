"""From no site to its first hit, as a person of the pages does it."""

import re
from html import unescape

import pytest
from werkzeug.test import TestResponse

from page_tracker import app as app_module
from page_tracker.people.roles import Role
from support.people import Visitor, signed_in

PERSON = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)


def hit(domain: str, user_agent: str = PERSON) -> TestResponse:
    """A view of a page, as its browser sends it."""
    return Visitor(**{"User-Agent": user_agent}).client.post(
        "/api/event",
        json={"name": "pageview", "domain": domain, "url": f"https://{domain}/"},
        headers={"User-Agent": user_agent},
    )


@pytest.fixture
def ada() -> Visitor:
    """Who owns all sites."""
    return signed_in("ada", Role.OWNER)


def test_a_site_is_added_and_its_line_is_for_where_the_browser_is(ada: Visitor) -> None:
    assert 'name="domain"' in ada.get("/sites/add").text
    added = ada.post("/sites/add", domain="www.A.example", timezone="Asia/Tokyo")
    assert (added.status_code, added.location) == (303, "/sites/a.example/install")
    assert app_module.sites().get("a.example").timezone == "Asia/Tokyo"
    ada.move_to("stats.lan:8000")
    page = ada.get("/sites/a.example/install").text
    assert "src=&#34;http://stats.lan:8000/js/script.js&#34;" in page
    assert "cannot load a script by http" in page


def test_the_line_has_the_address_that_the_settings_say(
    patched: pytest.MonkeyPatch,
) -> None:
    patched.setenv("PAGE_TRACKER_URL", "https://stats.example.com")
    ada = signed_in("ada", Role.OWNER)
    ada.post("/sites/add", domain="a.example", timezone="UTC")
    ada.move_to("forged.example")
    ada.headers = {"Host": "forged.example"}
    for way in ("html", "pixel", "frameworks", "plausible", "goatcounter", "none"):
        page = ada.get(f"/sites/a.example/install?way={way}").text
        assert "https://stats.example.com/" in page and "forged" not in page


def test_what_pages_of_other_trackers_are_to_load_is_there(ada: Visitor) -> None:
    ada.post("/sites/add", domain="a.example", timezone="UTC")
    for way in ("plausible", "goatcounter", "umami"):
        page = unescape(ada.get(f"/sites/a.example/install?way={way}").text)
        [path] = re.findall(r'src="http://localhost(/[^"]*)"', page)
        assert ada.get(path).mimetype == "text/javascript", path
    page = unescape(ada.get("/sites/a.example/install?way=matomo").text)
    assert 'var u="http://localhost/";' in page
    assert ada.get("/matomo.js").status_code == 200


@pytest.mark.parametrize(
    ("domain", "zone", "why"),
    [
        ("", "UTC", "is empty"),
        ("https://a.example/x", "UTC", "more than a domain"),
        ("a.example", "Mars/Base", "timezone"),
    ],
)
def test_what_is_no_site_is_told_at_its_form(
    ada: Visitor, domain: str, zone: str, why: str
) -> None:
    refused = ada.post("/sites/add", domain=domain, timezone=zone)
    assert refused.status_code == 400 and why in refused.text
    assert 'role="alert"' in refused.text and not app_module.sites().all()


def test_what_does_not_count_is_told_and_a_host_is_added_by_a_click(
    ada: Visitor,
) -> None:
    ada.post("/sites/add", domain="a.example", timezone="UTC")
    news = "/sites/a.example/install/news"
    assert "Waiting for the first hit" in ada.get(news).text
    hit("shop.a.example")
    hit("a.example", "Mozilla/5.0 HeadlessChrome/142.0")
    hit("a.example", "Mozilla/5.0 HeadlessChrome/142.0")
    told = ada.get(news).text
    assert "a hit for shop.a.example: no such site: if that is misspelt" in told
    assert "2 hits of a bot: " in told
    assert told == ada.get(news).text  # nothing is told twice
    assert ada.post("/sites/a.example/hosts", host="shop.a.example").status_code == 303
    assert app_module.sites().get("a.example").hostnames == ("shop.a.example",)
    hit("shop.a.example")
    came = ada.get(news)
    assert (came.status_code, came.location) == (303, "/sites/a.example")
    assert "The first hit has come" in ada.get("/sites/a.example/install").text


def test_a_browser_that_looks_like_a_bot_is_told_so() -> None:
    headless = "Mozilla/5.0 HeadlessChrome/142.0"
    signed_in("ada", Role.OWNER)
    ada = Visitor(**{"User-Agent": headless})
    ada.sign_in("ada")
    ada.post("/sites/add", domain="a.example", timezone="UTC")
    ada.get("/sites/a.example/install")
    hit("a.example", headless)
    assert "your browser looks like a bot" in ada.get("/sites/a.example/install").text


def test_after_a_minute_there_is_a_list_of_what_it_mostly_is(
    ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada.post("/sites/add", domain="a.example", timezone="UTC")
    assert "Nothing yet?" not in ada.get("/sites/a.example/install").text
    monkeypatch.setattr("page_tracker.web.pages.first_site.PATIENCE", 0)
    page = ada.get("/sites/a.example/install").text
    assert "Nothing yet?" in page
    assert "script-src http://localhost; connect-src http://localhost" in page


def test_a_proxy_that_the_settings_do_not_name_is_told(ada: Visitor) -> None:
    ada.post("/sites/add", domain="a.example", timezone="UTC")
    assert "TRUSTED_PROXIES" not in ada.get("/sites/a.example/install").text
    ada.headers = {"X-Forwarded-For": "192.0.2.1"}
    assert "TRUSTED_PROXIES" in ada.get("/sites/a.example/install").text


def test_other_sites_names_are_told_to_who_owns_all_alone(ada: Visitor) -> None:
    ada.post("/sites/add", domain="a.example", timezone="UTC")
    bob = signed_in("bob", Role.VIEWER, ["a.example"])
    hit("secret.example")
    hit("shop.a.example")
    seen = bob.get("/sites/a.example/install").text
    assert "secret.example" not in seen and "shop.a.example" in seen
    assert "Add as host" not in seen


def test_who_owns_one_site_alone_gives_it_no_host(ada: Visitor) -> None:
    ada.post("/sites/add", domain="a.example", timezone="UTC")
    bob = signed_in("bob", Role.OWNER, ["a.example"])
    hit("shop.a.example")
    told = bob.get("/sites/a.example/install").text
    assert "shop.a.example" in told and "Add as host" not in told
    refused = bob.post("/sites/a.example/hosts", host="shop.a.example")
    assert refused.status_code == 403
    assert app_module.sites().get("a.example").hostnames == ()


def test_a_host_of_another_site_is_not_taken(ada: Visitor) -> None:
    for domain in ("a.example", "b.example"):
        ada.post("/sites/add", domain=domain, timezone="UTC")
    refused = ada.post("/sites/a.example/hosts", host="b.example")
    assert refused.status_code == 400 and "b.example" in refused.text
    assert app_module.sites().get("a.example").hostnames == ()
