"""Which hits count, as what, and why others do not."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from page_tracker.hits.context import Context
from page_tracker.hits.enrich import (
    STEPS,
    UnknownSaltError,
    enrich,
    language_of,
    screen_of,
)
from page_tracker.hits.enrich_each import enrich_each
from page_tracker.hits.facts import IMAGE_PROXY, Bot, Lookups
from page_tracker.hits.hit import Drop, Hit, Kind, Place, RawHit, Reason, Sender
from page_tracker.schema import LIMITS
from page_tracker.sites.site import Directory, Site
from support.lookups import LOOKUPS as PACKAGED

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36"
)

NOON = 1_700_049_600_000_000  # 2023-11-15 12:00 UTC
DAY = 19_676
LOOKUPS = Lookups(
    client_of=PACKAGED.client_of,
    hinted_client_of=PACKAGED.hinted_client_of,
    bot_of={
        "Googlebot": Bot("Googlebot", "search"),
        "github-camo": Bot("GitHub camo", IMAGE_PROXY),
    }.get,
    place_of=lambda address: Place("DE", "DE-BE", "Berlin"),
    is_spam={"spam.example"}.__contains__,
    touch_of=PACKAGED.touch_of,
)
SALTS = {("example.org", DAY): bytes(16)}
SENDER = Sender("192.0.2.1", CHROME, "en-GB,en;q=0.9")


def judged(
    sender: Sender = SENDER, settings: dict[str, Any] | None = None, **said: Any
) -> Hit | Drop:
    site = Site(id="example.org", **(settings or {}))
    known = Context(Directory([site]), SALTS, LOOKUPS)
    raw = RawHit(
        **{"site": "example.org", "url": "https://www.example.org/a?x=1"} | said
    )
    return enrich(raw, sender, NOON, known)


def hit(**said: Any) -> Hit:
    found = judged(**said)
    assert isinstance(found, Hit)
    return found


def dropped(**said: Any) -> tuple[str, str]:
    found = judged(**said)
    assert isinstance(found, Drop)
    assert (found.day, found.site) == (DAY, "example.org")
    return found.reason, found.name


def test_a_page_view_gets_all_that_is_known_of_it() -> None:
    found = hit(referrer="https://www.google.com/", title="Title", width=1920)
    record = found.record
    assert (record.time, record.day, record.site) == (NOON, DAY, "example.org")
    assert (record.hostname, record.path, record.title) == (
        "example.org",
        "/a",
        "Title",
    )
    assert (record.touch.source, record.touch.channel) == ("Google", "Organic Search")
    assert (record.touch.screen, record.touch.language) == ("Desktop", "en-GB")
    assert (record.client.browser, record.client.os) == ("Chrome", "Windows")
    assert record.place == Place("DE", "DE-BE", "Berlin")
    assert found.kind is Kind.VIEW
    assert len(found.visitor) == 16


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("name", ["pageview", "engagement", "Buy"])
def test_what_a_hit_does_to_its_visit_is_told_by_its_kind_and_never_by_its_name(
    kind: Kind, name: str
) -> None:
    found = hit(kind=kind, name=name)
    assert (found.kind, found.record.name) == (kind, name)


def test_a_user_is_one_visitor_everywhere_if_the_site_takes_users_for_that() -> None:
    site = {"user_ids": True}
    elsewhere = replace(SENDER, address="192.0.2.2", user_agent=CHROME + "x")
    one = hit(settings=site, user="ada").visitor
    assert hit(settings=site, user="ada", sender=elsewhere).visitor == one
    assert hit(settings=site, user="bob").visitor != one
    assert hit(settings=site).visitor == hit(user="ada").visitor == hit().visitor


def test_a_visitor_is_one_by_site_address_and_user_agent() -> None:
    one = hit().visitor
    assert hit(name="Buy", title="x").visitor == one
    assert hit(sender=replace(SENDER, address="192.0.2.2")).visitor != one
    assert hit(sender=replace(SENDER, user_agent=CHROME + "x")).visitor != one


def test_a_missing_salt_is_asked_for_by_site_and_day() -> None:
    known = Context(Directory([Site(id="example.org")]), {}, LOOKUPS)
    with pytest.raises(UnknownSaltError) as missing:
        enrich(
            RawHit(site="example.org", url="https://example.org/"), SENDER, NOON, known
        )
    assert (missing.value.site.id, missing.value.day) == ("example.org", DAY)


def test_hits_that_are_enriched_together_are_what_each_is_alone() -> None:
    sites = [Site(id="example.org"), Site(id="unsalted.example")]
    known = Context(Directory(sites), SALTS, LOOKUPS)
    page = RawHit(site="example.org", url="https://example.org/a")
    bot = replace(SENDER, user_agent="Googlebot")
    salted = [(page, SENDER), (page, bot), (RawHit(site="x", url=""), SENDER)]
    alone: list[Hit | Drop | None] = [enrich(*each, NOON, known) for each in salted]
    unsalted = RawHit(site="unsalted.example", url="")
    sent = [(unsalted, SENDER), (unsalted, bot), *salted]
    no_bot, *others = enrich_each([(*each, NOON) for each in sent], known)
    assert no_bot is None
    assert others == [enrich(unsalted, bot, NOON, known), *alone]


def test_a_drop_needs_no_salt() -> None:
    known = Context(Directory(), {}, LOOKUPS)
    drop = enrich(RawHit(site="a\0b", url="https://example.org/"), SENDER, NOON, known)
    assert drop == Drop(DAY, "ab", Reason.UNKNOWN_SITE)


def test_the_site_is_the_named_one_else_the_pages_else_the_only_one() -> None:
    sites = Directory([Site(id="a.org", hostnames=("b.org",)), Site(id="c.org")])
    salts = {(site, DAY): bytes(16) for site in ("a.org", "c.org")}

    def site_of(directory: Directory, site: str, url: str) -> str:
        known = Context(directory, salts, LOOKUPS)
        found = enrich(RawHit(site=site, url=url), SENDER, NOON, known)
        return found.record.site if isinstance(found, Hit) else found.reason

    assert site_of(sites, "www.A.org", "https://c.org/") == "a.org"
    assert site_of(sites, "b.org", "https://c.org/") == "a.org"
    assert site_of(sites, "", "https://c.org/") == "c.org"
    assert site_of(sites, "", "/x") == "unknown_site"
    assert site_of(sites, "d.org", "https://c.org/") == "unknown_site"
    only = Directory([Site(id="c.org")])
    assert site_of(only, "", "/x") == "c.org"
    assert site_of(only, "d.org", "https://c.org/") == "unknown_site"


NETWORKS = ("10.0.0.0/8", "192.0.2.0/24")


@pytest.mark.parametrize(
    ("said", "reason", "name"),
    [
        ({"settings": {"own_addresses": NETWORKS}}, "own_address", "192.0.2.0/24"),
        (
            {"settings": {"blocked_addresses": ("192.0.2.1",)}},
            "blocked_address",
            "192.0.2.1/32",
        ),
        ({"sender": replace(SENDER, prefetch=True)}, "prefetch", ""),
        (
            {"sender": replace(SENDER, opted_out=True)},
            "opted_out",
            "Global Privacy Control",
        ),
        (
            {
                "sender": replace(SENDER, do_not_track=True),
                "settings": {"respect_dnt": True},
            },
            "opted_out",
            "Do Not Track",
        ),
        ({"sender": replace(SENDER, user_agent="Googlebot")}, "bot", "Googlebot"),
        ({"sender": replace(SENDER, user_agent="github-camo")}, "bot", "GitHub camo"),
        (
            {"sender": replace(SENDER, user_agent="Googlebot"), "through_proxy": True},
            "bot",
            "Googlebot",
        ),
        ({"bot": True}, "bot", "(says so itself)"),
        ({"refused": "url: is required"}, "invalid", "url: is required"),
        ({"referrer": "http://spam.example/x"}, "referrer_spam", "spam.example"),
        (
            {"settings": {"allowed_hostnames": ("shop.example.org",)}},
            "blocked_host",
            "example.org",
        ),
        ({"settings": {"blocked_pages": ("/x", "/a*")}}, "blocked_page", "/a*"),
        ({"url": "file:///home/ada/diary.html"}, "blocked_scheme", "file"),
        ({"url": "C:\\Users\\ada\\diary.html"}, "blocked_scheme", "c"),
        ({"url": "CAPACITOR://localhost/a"}, "blocked_scheme", "capacitor"),
        ({"url": "about:srcdoc"}, "blocked_scheme", "about"),
        (
            {"url": "file:///a", "settings": {"page_schemes": ("capacitor",)}},
            "blocked_scheme",
            "file",
        ),
        ({"settings": {"blocked_countries": ("FR", "DE")}}, "blocked_country", "DE"),
    ],
)
def test_every_drop_has_a_reason_and_a_name(
    said: dict[str, Any], reason: str, name: str
) -> None:
    assert dropped(**said) == (reason, name)


def test_pages_of_another_scheme_are_the_sites_choice() -> None:
    settings = {"page_schemes": ("capacitor",)}
    record = hit(url="capacitor://localhost/a", settings=settings).record
    assert (record.hostname, record.path) == ("localhost", "/a")
    assert hit(url="https://example.org/a", settings=settings)
    assert hit(url="/only/a/path")


def test_do_not_track_is_the_sites_choice() -> None:
    assert hit(sender=replace(SENDER, do_not_track=True))


def test_an_image_proxy_counts_where_a_badge_is_meant() -> None:
    assert hit(sender=replace(SENDER, user_agent="github-camo"), through_proxy=True)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"counted_bots": ("Googlebot",)}, {"user_agent": "Googlebot"}),
        ({"counted_bots": ("Googlebot",)}, {"user_agent": "Googlebot", "bot": True}),
        ({"counted_bots": ("(says so itself)",)}, {"bot": True}),
        ({"counted_referrers": ("spam.example",)}, {"referrer": "spam.example/x"}),
    ],
)
def test_what_the_site_lets_in_counts_and_nothing_else_does(
    settings: dict[str, Any], said: dict[str, Any]
) -> None:
    agent = said.pop("user_agent", CHROME)
    told = {"sender": replace(SENDER, user_agent=agent), **said}
    assert isinstance(judged(**told), Drop)
    assert hit(settings=settings, **told)
    others = {"counted_bots": ("Bingbot",), "counted_referrers": ("example",)}
    assert judged(settings=others, **told) == judged(**told)


def test_a_page_that_is_not_blocked_counts() -> None:
    assert hit(settings={"blocked_pages": ("/b*", "/a/*", "/?", "/[a]")})


def test_only_the_star_stands_for_anything_in_a_blocked_page() -> None:
    settings = {"blocked_pages": ("/[x]?*",)}
    blocked = "https://example.org/[x]%3Fy"
    assert dropped(url=blocked, settings=settings) == ("blocked_page", "/[x]?*")


@pytest.mark.parametrize(
    ("width", "screen"),
    [
        (-1, ""),
        (0, ""),
        (575, "Mobile"),
        (576, "Tablet"),
        (1439, "Laptop"),
        (1440, "Desktop"),
    ],
)
def test_screens_are_told_apart_by_width(width: int, screen: str) -> None:
    assert screen_of(width) == screen


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("de", "de"),
        ("EN-us;q=0.8,de", "en-US"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("*", ""),
        ("", ""),
        ("x" * 50, ""),
        ("de_DE", ""),
        ("es-419", "es-419"),
    ],
)
def test_the_first_language_is_kept_as_bcp_47_writes_it(
    said: str, language: str
) -> None:
    assert language_of(said) == language


@pytest.mark.parametrize(
    "referrer",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "https://example.org/b",
        "https://[x",
        "\0",
    ],
)
def test_what_is_no_foreign_page_is_no_referrer(referrer: str) -> None:
    touch = hit(referrer=referrer).record.touch
    assert (touch.referrer, touch.source, touch.channel) == ("", "", "Direct")


def test_an_owners_setting_cannot_make_a_page_take_long() -> None:
    pattern = "/" + "*a" * 40 + "b"
    assert hit(
        url="https://example.org/" + "a" * 1900, settings={"blocked_pages": (pattern,)}
    )


TEXTS = st.text(st.characters(), max_size=80) | st.builds(
    str.__mul__, st.characters(), st.integers(1, 5000)
)


@given(
    url=TEXTS
    | TEXTS.map("https://example.org/".__add__)
    | TEXTS.map("https://".__add__),
    referrer=TEXTS | TEXTS.map("https://".__add__),
    title=TEXTS,
    name=TEXTS,
    agent=TEXTS,
    language=TEXTS,
    props=st.dictionaries(TEXTS, TEXTS, max_size=3),
)
def test_every_text_that_is_kept_is_bounded_and_harmless(
    url: str,
    referrer: str,
    title: str,
    name: str,
    agent: str,
    language: str,
    props: dict[str, str],
) -> None:
    found = hit(
        url=url,
        referrer=referrer,
        title=title,
        name=name,
        props=props,
        sender=Sender("192.0.2.1", agent, language),
    )
    stored = msgspec.to_builtins(found.record)
    msgspec.msgpack.encode(found.record)  # which refuses what is no Unicode
    columns = msgspec.structs.asdict(found.record)
    for part in (found.record.touch, found.record.client, found.record.place):
        columns |= msgspec.structs.asdict(part)
    for column, limit in LIMITS.items():
        assert len(columns.get(column, "")) <= limit, column
    for text in _texts_in(stored):
        assert not any(ord(each) < 32 or 127 <= ord(each) < 160 for each in text)


def _texts_in(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for text in _texts_in(list(pair))]
    if isinstance(value, list | tuple):
        return [text for each in value for text in _texts_in(each)]
    return []


def test_the_steps_are_named_by_what_they_do() -> None:
    assert [step.__name__ for step in STEPS] == [
        "find_site",
        "hear_claim",
        "refuse_invalid",
        "refuse_addresses",
        "refuse_prefetch",
        "respect_opt_out",
        "refuse_bots",
        "refuse_referrer_spam",
        "refuse_pages",
        "find_place",
        "find_touch",
        "find_client",
        "find_visitor",
    ]
