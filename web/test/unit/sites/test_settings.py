"""How a site's settings are written, and what is said of nonsense."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from page_tracker.errors import SiteError
from page_tracker.sites.domain import parse_domain
from page_tracker.sites.settings import (
    SETTINGS,
    changed_site,
    new_site,
    settings_of,
)
from page_tracker.sites.site import Directory, Site

NOW = 1_700_000_000


@pytest.mark.parametrize(
    ("written", "domain"),
    [
        ("example.com", "example.com"),
        (" WWW.Example.COM. ", "example.com"),
        ("www.com", "www.com"),
        ("localhost", "localhost"),
        ("müller.example", "xn--mller-kva.example"),
        ("xn--mller-kva.example", "xn--mller-kva.example"),
        ("192.0.2.1", "192.0.2.1"),
        ("blog.example.co.uk", "blog.example.co.uk"),
        # In use, though IDNA 2008 lets nobody register them.
        ("my_site.example.com", "my_site.example.com"),
        ("_dmarc.example.com", "_dmarc.example.com"),
        ("v2--site.netlify.app", "v2--site.netlify.app"),
        ("site-.example.com", "site-.example.com"),
        ("i\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16}.ws", "xn--i-7iq.ws"),
        ("xn--i-7iq.ws", "xn--i-7iq.ws"),
        ("\N{GRINNING FACE}.example", "xn--e28h.example"),
        ("fa\N{LATIN SMALL LETTER SHARP S}.example", "xn--fa-hia.example"),
        ("a\N{IDEOGRAPHIC FULL STOP}example", "a.example"),
    ],
)
def test_a_domain_is_kept_in_one_form(written: str, domain: str) -> None:
    assert parse_domain(written) == domain


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "write a domain, like example.com"),
        ("https://www.example.com/a?b", "write www.example.com"),
        ("example.com/blog", "write example.com"),
        ("example.com:8080", "write example.com"),
        ("[::1]", "write a name, like example.com"),
        ("exa mple.com", "write a name, like example.com"),
        ("a..b", "write a name, like example.com"),
        ("-a.com", "write a name, like example.com"),
        ("a" * 64 + ".com", "write a name, like example.com"),
        ("a!b.com", "write a name, like example.com"),
        ("a\N{FULLWIDTH SOLIDUS}b.com", "write a name, like example.com"),
        ("\N{REPLACEMENT CHARACTER}.com", "write a name, like example.com"),
        (".".join(["abcdefghi"] * 30), "write at most 253 characters"),
        (7, "write it within quotation marks"),
    ],
)
def test_what_is_no_domain_is_refused_with_what_to_write(
    written: Any, told: str
) -> None:
    with pytest.raises(SiteError) as refused:
        new_site(written, {}, NOW)
    assert refused.value.field == "domain"
    assert refused.value.remedy == told


@given(st.text(max_size=40))
def test_any_text_is_a_domain_that_is_found_again_or_refused(text: str) -> None:
    try:
        site = new_site(text, {}, NOW)
    except SiteError:
        return
    assert new_site(site.id, {}, NOW) == site
    assert Directory([site]).resolve(site.id) is site


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [
        ("timezone", "Europe/Berlin", "Europe/Berlin"),
        ("hostnames", "www.shop.de, example.org,", ("shop.de", "example.org")),
        ("hostnames", ["a.example", "A.example"], ("a.example",)),
        ("hostnames", "", ()),
        ("aliases", "1,5F7F-x", ("1", "5f7f-x")),
        ("allowed_hostnames", "www.b.example", ("b.example",)),
        ("own_addresses", "192.0.2.1/32,2001:DB8::/32", ("192.0.2.1", "2001:db8::/32")),
        ("blocked_addresses", ["198.51.100.0/24"], ("198.51.100.0/24",)),
        ("blocked_countries", "de,FR", ("DE", "FR")),
        ("blocked_pages", "/admin/*", ("/admin/*",)),
        ("blocked_pages", "/m%C3%BCll", ("/müll",)),
        ("page_schemes", "Capacitor://, app:", ("capacitor", "app")),
        ("respect_dnt", "yes", True),
        ("respect_dnt", True, True),
        ("user_ids", "true", True),
        ("public_counter", "off", False),
        ("retention_days", "90", 90),
        ("retention_days", 90, 90),
        ("retention_days", "all", None),
        ("retention_days", None, None),
        ("max_pages", "5", 5),
        ("group", " Our  shops ", "Our shops"),
        ("group", "", ""),
    ],
)
def test_a_setting_is_read_from_text_and_json(
    name: str, written: Any, value: Any
) -> None:
    assert getattr(new_site("x.example", {name: written}, NOW), name) == value


@pytest.mark.parametrize(
    ("name", "written", "told"),
    [
        ("timezone", "Berlin", "write Europe/Berlin"),
        ("timezone", "europe/berlin", "write Europe/Berlin"),
        ("timezone", "Europe/Berln", "write Europe/Berlin"),
        ("timezone", "new york", "write America/New_York"),
        (
            "timezone",
            "UTC+2",
            "write the zone of a place, like Europe/Berlin; it knows its summer time",
        ),
        (
            "timezone",
            "zzz",
            "write a name like Europe/Berlin, America/New_York or UTC",
        ),
        ("hostnames", "shop.de/x", "write shop.de"),
        (
            "aliases",
            "a b",
            "write its number, UUID or code there: letters, digits, . _ and -",
        ),
        ("hostnames", {"a": 1}, "write strings in square brackets"),
        (
            "own_addresses",
            "192.0.2.5/24",
            "write 192.0.2.0/24 for all of it, or 192.0.2.5",
        ),
        (
            "own_addresses",
            "home",
            "write one like 192.0.2.7, or a network like 192.0.2.0/24",
        ),
        ("blocked_countries", "UK", "write GB (Britain (UK))"),
        ("blocked_countries", "Germany", "write DE (Germany)"),
        ("blocked_countries", "QQ", "write its two letters, like DE"),
        ("blocked_pages", "admin", "write one like /admin"),
        ("page_schemes", "my app", "write one like capacitor"),
        ("page_schemes", "blob", "write one like capacitor"),
        ("respect_dnt", "maybe", "write true or false"),
        ("respect_dnt", 1, "write it within quotation marks"),
        ("retention_days", "0", "write 1 to 36500 days, or all"),
        ("retention_days", True, "write 1 to 36500 days, or all"),
        ("max_pages", "-1", "write 1 to 1000000"),
        ("max_pages", 1.5, "write 1 to 1000000"),
        ("group", "x" * 61, "write at most 60 characters"),
        ("group", "a\nb", "write it without them"),
        ("time_zone", "UTC", "write timezone"),
    ],
)
def test_nonsense_is_refused_with_what_to_write(
    name: str, written: Any, told: str
) -> None:
    with pytest.raises(SiteError) as refused:
        new_site("x.example", {name: written}, NOW)
    assert refused.value.field == name
    assert refused.value.remedy == told


def test_an_error_names_setting_value_and_remedy_in_one_line() -> None:
    with pytest.raises(SiteError) as refused:
        new_site("x.example", {"own_addresses": "192.0.2.1,home"}, NOW)
    assert str(refused.value) == (
        "own_addresses: has 'home', which is not an address;"
        " write one like 192.0.2.7, or a network like 192.0.2.0/24"
    )


@given(
    st.sampled_from(sorted(SETTINGS)),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    ),
)
def test_any_json_is_a_setting_or_refused(name: str, value: Any) -> None:
    try:
        site = new_site("x.example", {name: value}, NOW)
    except SiteError as refused:
        assert "\n" not in str(refused)
        return
    # What was taken is written as it is read.
    assert new_site("x.example", {name: getattr(site, name)}, NOW) == site


def test_a_domain_is_no_further_host_of_its_own() -> None:
    assert new_site("x.example", {"hostnames": "www.x.example"}, NOW).hostnames == ()


def test_a_change_leaves_other_settings_alone() -> None:
    site = new_site("x.example", {"max_pages": 5, "respect_dnt": True}, NOW)
    changed = changed_site(site, {"max_pages": 6}, NOW + 1)
    assert (changed.max_pages, changed.respect_dnt, changed.created) == (6, True, NOW)


def test_a_new_site_has_its_zone_at_once_and_a_changed_one_later() -> None:
    site = new_site("x.example", {"timezone": "Asia/Tokyo"}, NOW)
    assert (site.timezone, site.next_timezone) == ("Asia/Tokyo", None)
    changed = changed_site(site, {"timezone": "Europe/Berlin"}, NOW)
    assert (changed.timezone, changed.next_timezone) == ("Asia/Tokyo", "Europe/Berlin")


def test_every_setting_is_a_field_of_a_site_and_is_shown() -> None:
    assert set(SETTINGS) <= set(Site.__struct_fields__)
    assert set(SETTINGS) <= set(settings_of(Site(id="x.example")))
