"""Plausible's event format: what it means, and how it is answered."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from page_tracker.hits.hit import Drop, Kind, RawHit, Reason, Sender
from page_tracker.protocols import plausible
from page_tracker.protocols.request import Answer, NothingToCountError, Request

PLAUSIBLE = plausible.PROTOCOL
URL = "https://example.org/a"


def decoded(*, headers: dict[bytes, bytes] | None = None, **body: Any) -> list[RawHit]:
    return sent(json.dumps(body).encode(), headers)


def sent(body: bytes, headers: dict[bytes, bytes] | None = None) -> list[RawHit]:
    request = Request("POST", "/api/event", "", headers or {}, body)
    return PLAUSIBLE.decode(request, Sender("192.0.2.1", ""))


def answered(body: bytes, headers: dict[bytes, bytes] | None = None) -> Answer:
    with pytest.raises(NothingToCountError) as refusal:
        sent(body, headers)
    return refusal.value.answer


def errors(**body: Any) -> Any:
    answer = answered(json.dumps(body).encode())
    assert answer.status == 400
    return json.loads(answer.body)["errors"]


def test_short_and_long_names_mean_the_same() -> None:
    short = decoded(
        n="Buy", u=URL, d="example.org", r="https://t.co/x", p={"a": "b"}, i=False
    )
    long = decoded(
        name="Buy",
        url=URL,
        domain="example.org",
        referrer="https://t.co/x",
        props={"a": "b"},
        interactive=False,
    )
    assert short == long
    assert (short[0].props, short[0].kind) == ({"a": "b"}, Kind.QUIET)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pageview", Kind.VIEW),
        ("engagement", Kind.ENGAGEMENT),
        ("page\x00view", Kind.VIEW),  # as it is stored
        ("Pageview", Kind.EVENT),
        ("Buy", Kind.EVENT),
    ],
)
def test_two_names_are_no_events(name: str, kind: Kind) -> None:
    (hit,) = decoded(n=name, u=URL, e=1)
    assert hit.kind is kind
    assert hit.name == name.replace("\0", "")


def test_our_own_fields_are_read() -> None:
    (hit,) = decoded(n="pageview", u=URL, d="a.b", id="x1", w=390, t="Title")
    assert (hit.event_id, hit.width, hit.title) == ("x1", 390, "Title")


def test_several_domains_are_one_hit_each() -> None:
    hits = decoded(n="pageview", u=URL, d="example.org, all.example.org,example.org")
    assert [hit.site for hit in hits] == ["example.org", "all.example.org"]


def test_a_site_that_is_named_twice_gets_one_hit() -> None:
    assert len(decoded(n="pageview", u=URL, d="example.org,WWW.Example.org:80")) == 1


def test_without_a_domain_the_site_is_the_address_host() -> None:
    assert decoded(n="pageview", u="https://www.example.org/a")[0].site == (
        "www.example.org"
    )


def test_a_whole_number_is_a_name_too() -> None:
    assert decoded(n=404, u=URL)[0].name == "404"


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"u": URL}, "event_name", "can't be blank"),
        ({"n": " ", "u": URL}, "event_name", "can't be blank"),
        ({"n": "\0 \x7f", "u": URL}, "event_name", "can't be blank"),
        ({"n": True, "u": URL}, "event_name", "can't be blank"),
        ({"n": "x" * 121, "u": URL}, "event_name", "at most 120 character"),
        ({"n": "pageview", "d": "a.b"}, "url", "is required"),
        ({"n": "pageview", "d": "a.b", "u": 5}, "url", "must be a string"),
        ({"n": "pageview", "d": "a.b", "u": "data:x"}, "url", "scheme is not allowed"),
        ({"n": "x", "d": "a.b", "u": " JavaScript:x"}, "url", "scheme is not allowed"),
        ({"n": "x", "d": "a.b", "u": "é" * 65_537}, "url", "at most 65536 character"),
        ({"n": "pageview", "u": URL, "d": ""}, "domain", "can't be blank"),
        ({"n": "pageview", "u": URL, "d": " , "}, "domain", "can't be blank"),
        ({"n": "pageview", "u": URL, "d": "a," * 40}, "domain", "at most 30 sites"),
        ({"n": "engagement", "u": URL}, "event_name", "'sd' or 'e'"),
        ({"n": "engagement", "u": URL, "e": -1}, "event_name", "'sd' or 'e'"),
        ({"n": "x", "u": URL, "p": {"k" * 301: "v"}}, "props", "at most 300 bytes"),
        ({"n": "x", "u": URL, "p": {"k": "é" * 1001}}, "props", "values 2000 bytes"),
        ({"n": "x", "u": URL, "id": "i" * 65}, "id", "at most 64 character"),
        ({"n": "x", "u": URL, "id": 5}, "id", "must be a string"),
        ({"n": "x", "u": URL, "id": "a\n"}, "id", "printable ASCII"),
    ],
)
def test_what_is_wrong_is_named_by_field(
    body: dict[str, Any], field: str, message: str
) -> None:
    found = errors(**body)
    assert list(found) == [field]
    assert message in found[field][0]


def test_all_faults_are_told_at_once() -> None:
    assert errors(d="") == {
        "event_name": ["can't be blank"],
        "url": ["is required"],
        "domain": ["can't be blank"],
    }


@pytest.mark.parametrize(
    "body", [b"", b"x", b"[]", b"5", b'{"n":', b"\xff", b"[" * 9999]
)
def test_what_is_no_object_is_refused(body: bytes) -> None:
    answer = answered(body)
    assert answer.status == 400
    assert "request" in json.loads(answer.body)["errors"]


def test_half_a_character_in_a_title_spoils_no_event() -> None:
    (hit,) = sent(b'{"n":"pageview","u":"https://a.b/","t":"x \\ud83d"}')
    assert hit.title.startswith("x ")


def test_limits_are_inclusive() -> None:
    url = "https://example.org/" + "a" * 65_516
    (hit,) = decoded(n="x" * 120, u=url, d="a.b", p={"k" * 300: "v" * 2000})
    assert len(hit.url) == 65_536 and len(hit.props) == 1


def test_properties_that_say_nothing_are_left_out() -> None:
    props: dict[str, Any] = {
        "a": 1,
        "b": True,
        "c": None,
        "d": [],
        "e": {},
        "f": " ",
        "g": 1.5,
        "h": "x",
    }
    (hit,) = decoded(n="x", u=URL, p=props)
    assert hit.props == {"a": "1", "b": "true", "g": "1.5", "h": "x"}


def test_properties_may_be_a_string_of_json() -> None:
    assert decoded(n="x", u=URL, m='{"a":"b"}')[0].props == {"a": "b"}
    assert decoded(n="x", u=URL, m="[1")[0].props == {}


def test_more_than_thirty_properties_are_cut() -> None:
    assert len(decoded(n="x", u=URL, p={str(i): "v" for i in range(40)})[0].props) == 30


@pytest.mark.parametrize(
    ("revenue", "expected", "unread"),
    [
        ({"currency": "EUR", "amount": 12.345}, (12345, "EUR"), ""),
        ({"currency": "usd", "amount": "0.1"}, (100, "USD"), ""),
        ('{"currency":"EUR","amount":3}', (3000, "EUR"), ""),
        ({"amount": "1.299,00 €"}, (1299000, "EUR"), ""),
        ({"currency": "EUR", "amount": 0}, (0, "EUR"), ""),
        ({"currency": "EURO", "amount": 3}, (None, ""), "3 EURO"),
        ({"currency": "EUR", "amount": "1,299"}, (None, ""), "1,299 EUR"),
        ({"currency": "EUR", "amount": "1e999999"}, (None, ""), "1e999999 EUR"),
        ({"currency": "EUR", "amount": "-1e-999999"}, (0, "EUR"), ""),
        ({"amount": 3}, (None, ""), "3 (no currency)"),
        ({"currency": "EUR", "amount": True}, (None, ""), "True EUR"),
        ("x", (None, ""), "x"),
        (12, (None, ""), "12"),
        # Nothing was said: what is sent of a link that is tagged with an event.
        ({}, (None, ""), ""),
        (None, (None, ""), ""),
        ({"currency": "EUR"}, (None, ""), ""),
        ({"currency": "EUR", "amount": ""}, (None, ""), ""),
    ],
)
def test_revenue_is_thousandths_or_told_as_it_was_written(
    revenue: object, expected: tuple[int | None, str], unread: str
) -> None:
    (hit,) = sent(json.dumps({"n": "Buy", "u": URL, "$": revenue}).encode())
    assert (hit.revenue, hit.currency) == expected
    assert hit.unread_revenue == unread


def test_what_was_left_out_of_an_event_is_told_though_it_counts() -> None:
    answer = PLAUSIBLE.accept([Drop(1, "a.b", Reason.INVALID_REVENUE, "1,299 EUR")])
    headers = dict(answer.headers)
    assert (answer.status, answer.body) == (202, b"ok")
    assert b"x-plausible-dropped" not in headers
    assert headers[b"x-page-tracker-dropped"] == b"invalid_revenue (1,299 EUR)"


def test_owners_are_told_what_was_refused_of_their_sites() -> None:
    body = {"d": "a.b,c.d", "u": "data:x"}
    with pytest.raises(NothingToCountError) as refusal:
        sent(json.dumps(body).encode())
    why = "event_name: can't be blank; url: scheme is not allowed"
    assert refusal.value.refused == [
        RawHit(site=site, url="", refused=why) for site in ("a.b", "c.d")
    ]


def test_a_hash_route_is_kept_only_in_hash_mode() -> None:
    assert decoded(n="pageview", u=URL + "#/x")[0].url == URL
    assert decoded(n="pageview", u=URL + "#/x", h=1)[0].url == URL + "#/x"
    assert decoded(n="pageview", u=URL + "#/x", hashMode=1)[0].url == URL + "#/x"


def test_engagement_is_clamped_and_belongs_to_engagements_only() -> None:
    (hit,) = decoded(n="engagement", u=URL, sd=250, e=-5)
    assert (hit.scroll, hit.engaged) == (100, None)
    (hit,) = decoded(n="engagement", u=URL, sd=99.2, e=1200.9)
    assert (hit.scroll, hit.engaged) == (100, 1200)
    (hit,) = sent(b'{"n":"engagement","u":"https://a.b/","e":1e999,"sd":1e999}')
    assert (hit.scroll, hit.engaged) == (100, 86_400_000)
    (hit,) = decoded(n="engagement", u=URL, sd=float("nan"), e=1200)
    assert (hit.scroll, hit.engaged) == (None, 1200)
    (hit,) = decoded(n="engagement", u=URL, sd=10**400, e=-(10**400))
    assert (hit.scroll, hit.engaged) == (100, None)
    (hit,) = decoded(n="engagement", u=URL, sd="deep", e=1200)
    assert (hit.scroll, hit.engaged) == (None, 1200)
    (hit,) = decoded(n="pageview", u=URL, sd=50, e=1200)
    assert (hit.scroll, hit.engaged) == (None, None)


def test_a_debug_request_is_told_its_address_and_counts_nothing() -> None:
    body = json.dumps({"n": "pageview", "u": URL}).encode()
    answer = answered(body, {b"x-debug-request": b"true"})
    assert (answer.status, answer.body) == (200, b"192.0.2.1")


def test_an_accepted_event_is_answered_202_ok() -> None:
    answer = PLAUSIBLE.accept([])
    assert (answer.status, answer.body) == (202, b"ok")
    assert dict(answer.headers)[b"access-control-allow-origin"] == b"*"


def test_dropped_hits_are_told_by_number_and_reason() -> None:
    drops = [
        Drop(1, "a.b", Reason.BOT, "Googlebot"),
        Drop(1, "ä\r\nSet-Cookie: x", Reason.UNKNOWN_SITE),
    ]
    answer = PLAUSIBLE.accept(drops)
    headers = dict(answer.headers)
    assert (answer.status, answer.body) == (202, b"ok")
    assert headers[b"x-plausible-dropped"] == b"2"
    assert headers[b"x-page-tracker-dropped"] == (
        b"bot (Googlebot), unknown_site (???Set-Cookie: x)"
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    "n name u url d domain r referrer p props m meta $ revenue i h hashMode sd e id w t"
    " v unknown".split()
)


@given(body=st.dictionaries(FIELDS, JSON, max_size=8))
def test_any_json_is_hits_or_an_answer(body: dict[str, Any]) -> None:
    body = {"n": "pageview", "u": URL} | body
    try:
        hits = sent(json.dumps(body).encode())
    except NothingToCountError as refusal:
        assert refusal.answer.status == 400
        assert json.loads(refusal.answer.body)["errors"]
    else:
        assert hits and all(hit.site and hit.name for hit in hits)


@given(body=st.binary(max_size=200))
def test_any_bytes_are_hits_or_an_answer(body: bytes) -> None:
    try:
        sent(body)
    except NothingToCountError as refusal:
        assert refusal.answer.status == 400
