"""GoatCounter's format: what it means, and how it is answered."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from page_tracker.hits.hit import NOBODY, Drop, Kind, RawHit, Reason
from page_tracker.hits.page import page_of
from page_tracker.protocols import goatcounter
from page_tracker.protocols.request import Answer, NothingToCountError, Request

GOATCOUNTER = goatcounter.PROTOCOL


def _decoded(query: str, headers: Mapping[bytes, bytes]) -> list[RawHit]:
    return GOATCOUNTER.decode(Request("GET", "/count", query, headers), NOBODY)


def decoded(referer: str = "", **said: str) -> RawHit:
    headers = {b"referer": referer.encode()} if referer else {}
    (hit,) = _decoded(urlencode(said), headers)
    return hit


def refused(query: str) -> str:
    with pytest.raises(NothingToCountError) as refusal:
        _decoded(query, {})
    assert refusal.value.answer.status == 400
    return reason(refusal.value.answer)


def reason(answer: Answer) -> str:
    assert len(answer.body) == 43 and answer.body.startswith(b"GIF89a")
    headers = dict(answer.headers)
    assert headers[b"access-control-allow-origin"] == b"*"
    assert headers[b"cross-origin-resource-policy"] == b"cross-origin"
    return headers.get(b"x-goatcounter", b"").decode()


def test_a_page_view_is_read_with_all_its_keys() -> None:
    hit = decoded(
        p="/a b?x=1",
        t="Title",
        r="https://t.co/x",
        s="1920,1080,2",
        q="?utm_source=a%26b",
        rnd="5",
        ns="true",
        b="0",
        referer="https://example.org/",
    )
    page = page_of(hit.url)
    assert (page.hostname, page.path) == ("example.org", "/a b")
    assert page.query == "utm_source=a%26b&x=1"
    assert (hit.title, hit.referrer, hit.width) == ("Title", "https://t.co/x", 1920)
    assert (hit.kind, hit.name) == (Kind.VIEW, "pageview")
    assert not hit.bot and hit.site == ""


@pytest.mark.parametrize("name", ["download", "pageview", "engagement"])
def test_an_event_is_named_by_its_path(name: str) -> None:
    hit = decoded(p=name, e="true", referer="https://example.org/files")
    assert (hit.kind, hit.name) == (Kind.EVENT, name)
    assert hit.url == "https://example.org/files"


def test_the_site_parameter_names_the_site() -> None:
    hit = decoded(p="x", site="example.org")
    assert hit.site == "example.org"
    assert page_of(hit.url)[:2] == ("", "/x")


def test_a_long_query_title_or_path_is_cut_and_loses_no_view() -> None:
    query = f"?session={'0' * 3000}&utm_source=paper"
    hit = decoded(p=f"/a{query}", t="t" * 2000, referer="https://example.org/")
    assert page_of(hit.url)[1:3] == ("/a", "utm_source=paper")
    path = "/" + "\N{CJK UNIFIED IDEOGRAPH-6587}" * 1_999
    assert page_of(decoded(p=quote(path)).url).path == path
    assert page_of(decoded(p=quote(path) + "a").url).path == path


def test_a_hash_route_in_the_path_is_kept() -> None:
    assert page_of(decoded(p="/a#/b").url).path == "/a#/b"


def test_a_percent_sign_in_a_path_is_not_decoded_twice_by_us() -> None:
    assert page_of(decoded(p="/100%25").url).path == "/100%"


@pytest.mark.parametrize("value", ["150", "151", "999"])
def test_a_sender_may_call_itself_a_bot(value: str) -> None:
    assert decoded(p="/", b=value).bot


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("", "path: must be set"),
        ("p=", "path: must be set"),
        ("p=%20", "path: must be set"),
        ("p=%01&e=true", "path: must be set"),
        ("p=/&b=1", "b=1"),
        ("p=/&b=149", "b=149"),
        ("p=/&b=x%0d%0aA:b", "b=x??A:b"),
        ("&".join(["a=1"] * 101), "at most 100"),
    ],
)
def test_what_is_invalid_is_answered_400_with_the_reason(query: str, why: str) -> None:
    assert why in refused(query)


def test_an_accepted_hit_is_answered_by_a_pixel() -> None:
    answer = GOATCOUNTER.accept([])
    assert answer.status == 200 and reason(answer) == ""


@pytest.mark.parametrize(
    ("drop", "status"),
    [
        (Drop(1, "a", Reason.OWN_ADDRESS, "192.0.2.0/24"), 202),
        (Drop(1, "a", Reason.BLOCKED_ADDRESS, "192.0.2.0/24"), 202),
        (Drop(1, "a", Reason.BOT, "Googlebot"), 200),
        (Drop(1, "a", Reason.PREFETCH), 200),
        (Drop(1, "a", Reason.UNKNOWN_SITE), 400),
    ],
)
def test_a_dropped_hit_is_answered_by_a_pixel_and_the_reason(
    drop: Drop, status: int
) -> None:
    answer = GOATCOUNTER.accept([drop])
    assert answer.status == status
    assert drop.reason in reason(answer) and drop.name in reason(answer)


@pytest.mark.parametrize(
    ("site", "why"), [("", "no site is named"), ("b.org", "there is no site b.org")]
)
def test_who_means_no_site_is_told_what_to_name(site: str, why: str) -> None:
    said = reason(GOATCOUNTER.accept([Drop(1, site, Reason.UNKNOWN_SITE)]))
    assert why in said and "site=" in said


@given(
    query=st.text(max_size=200), referer=st.text(alphabet="htps:/[].ab", max_size=30)
)
def test_any_query_is_a_hit_or_an_answer(query: str, referer: str) -> None:
    try:
        (hit,) = _decoded(query, {b"referer": referer.encode()})
    except NothingToCountError as refusal:
        assert refusal.answer.status == 400
    else:
        assert hit.name and page_of(hit.url).path


@given(path=st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=60))
def test_a_path_arrives_as_it_was_sent(path: str) -> None:
    plain = "/" + path.translate({ord(each): "x" for each in "%#?/\\ "}).strip()
    assert (
        page_of(decoded(p=plain, referer="https://a.org/").url).path == plain.rstrip()
    )


def test_whoever_sends_too_much_is_told_when_to_come_back_in_both_ways() -> None:
    answer = goatcounter.refuse(429, "too many", ((b"retry-after", b"7"),))
    headers = dict(answer.headers)
    assert headers[b"retry-after"] == headers[b"x-rate-limit-reset"] == b"7"
    assert b"x-rate-limit-reset" not in dict(goatcounter.refuse(503, "", ()).headers)
