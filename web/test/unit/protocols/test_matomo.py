"""Matomo's format: what it means, and how it is answered."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from page_tracker.errors import NotStoredError
from page_tracker.hits.hit import NOBODY, Drop, Kind, RawHit, Reason
from page_tracker.hits.page import page_of
from page_tracker.protocols import matomo
from page_tracker.protocols.bulk import Bulk
from page_tracker.protocols.request import Answer, NothingToCountError, Request

PAGE = "https://example.org/a"
# What matomo.js says in every request.
SAID = {
    **{"idsite": "1", "rec": "1", "r": "123456", "h": "9", "m": "5", "s": "7"},
    **{"url": PAGE, "_id": "", "_idn": "1", "send_image": "0", "_refts": "0"},
    **{"pdf": "1", "qt": "0", "cookie": "1", "res": "1920x1080", "uadata": "{}"},
}
AWAY = NotStoredError("Redis is away", 5)
UNKNOWN = [Drop(0, "1", Reason.UNKNOWN_SITE)]


def bulk_of(
    query: str = "", body: bytes = b"", method: str = "POST", page: str = ""
) -> Bulk:
    headers = {b"referer": page.encode()} if page else {}
    request = Request(method, "/matomo.php", query, headers, body)
    return matomo.PROTOCOL.decode(request, NOBODY)


def hit_of(**said: str) -> RawHit:
    (part,) = bulk_of(urlencode({**SAID, **said})).parts
    return part.raw


def answered(query: str = "", body: bytes = b"", method: str = "POST") -> Answer:
    with pytest.raises(NothingToCountError) as answer:
        bulk_of(query, body, method)
    return answer.value.answer


def test_its_script_posts_a_query_with_an_empty_body() -> None:
    hit = hit_of(action_name="Title", urlref="https://t.co/x", lang="de-AT")
    assert (hit.site, hit.kind, hit.url) == ("1", Kind.VIEW, PAGE)
    assert (hit.title, hit.referrer) == ("Title", "https://t.co/x")
    assert (hit.width, hit.language) == (1920, "de-AT")
    assert hit_of(uid="ada").user == "ada"


@pytest.mark.parametrize("fragment", ["#/route?a=1", "#!route"])
def test_a_fragment_is_part_of_the_page_if_it_names_a_route(fragment: str) -> None:
    assert hit_of(url=PAGE + fragment).url == PAGE + fragment
    assert hit_of(url=f"{PAGE}#section").url == PAGE


def test_a_long_query_comes_as_a_form_instead_and_the_query_wins() -> None:
    body = urlencode({**SAID, "action_name": "of the body"}).encode()
    (part,) = bulk_of("", body).parts
    assert part.raw.title == "of the body"
    (part,) = bulk_of("action_name=of+the+query", body).parts
    assert part.raw.title == "of the query"


def test_an_image_without_a_script_counts_the_page_that_shows_it() -> None:
    (part,) = bulk_of("idsite=1&rec=1", method="GET", page=PAGE).parts
    assert part.raw.url == PAGE
    (part,) = bulk_of("idsite=1&rec=1&urlref=x", method="GET", page=PAGE).parts
    assert part.raw.url == ""


@pytest.mark.parametrize(
    ("said", "kind", "name", "props"),
    [
        (
            {"e_c": "Videos", "e_a": "Play", "e_n": "Film", "e_v": "3.5", "ca": "1"},
            Kind.EVENT,
            "Videos: Play",
            {"category": "Videos", "action": "Play", "name": "Film", "value": "3.5"},
        ),
        ({"e_c": "Videos", "e_a": " "}, Kind.VIEW, "pageview", {}),
        (
            {"link": "https://b.example/"},
            Kind.EVENT,
            "Outbound Link: Click",
            {"url": "https://b.example/"},
        ),
        (
            {"download": PAGE + ".pdf"},
            Kind.EVENT,
            "File Download",
            {"url": PAGE + ".pdf"},
        ),
        (
            {"search": "tea", "search_cat": "false", "search_count": "7"},
            Kind.EVENT,
            "Site Search",
            {"search": "tea", "results": "7"},
        ),
        ({"search": "false"}, Kind.VIEW, "pageview", {}),
        (
            {"c_n": "Ad", "c_p": "a.png", "c_t": PAGE, "ca": "1"},
            Kind.QUIET,
            "Content Impression",
            {"name": "Ad", "piece": "a.png", "target": PAGE},
        ),
        (
            {"c_n": "Ad", "c_i": "click", "ca": "1"},
            Kind.EVENT,
            "Content Interaction",
            {"name": "Ad", "action": "click"},
        ),
        ({"idgoal": "3", "revenue": "9.5"}, Kind.EVENT, "Goal 3", {"revenue": "9.5"}),
        (
            {
                **{"idgoal": "0", "ec_id": "A-1", "revenue": "20", "ec_st": "18"},
                **{"ec_tx": "2", "ec_sh": "0", "ec_dt": "false"},
                "ec_items": '[["sku","Tea",["a","b"],9,2]]',
            },
            Kind.EVENT,
            "Order",
            {
                **{"order": "A-1", "revenue": "20", "subtotal": "18", "tax": "2"},
                **{"shipping": "0", "items": "1"},
            },
        ),
        (
            {"idgoal": "0", "revenue": "20", "ec_items": "[]"},
            Kind.QUIET,
            "Cart Update",
            {"revenue": "20"},
        ),
        ({"ping": "1", "idgoal": "3"}, Kind.ENGAGEMENT, "engagement", {}),
        (
            {
                **{"dimension2": "red", "_pks": "sku"},
                "cvar": '{"1":["plan","pro"],"2":"x"}',
            },
            Kind.VIEW,
            "pageview",
            {"dimension2": "red", "plan": "pro"},
        ),
    ],
)
def test_what_happened_is_told_by_parameters(
    said: dict[str, str], kind: Kind, name: str, props: dict[str, str]
) -> None:
    hit = hit_of(**said)
    assert (hit.kind, hit.name, hit.props) == (kind, name, props)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("pk_campaign=c&pk_kwd=k&x=1", "x=1&utm_campaign=c&utm_term=k"),
        ("mtm_campaign=m&pk_campaign=p", "utm_campaign=m"),
        ("pk_campaign=p&utm_campaign=u", "utm_campaign=u"),
        ("mtm_source=s&mtm_medium=e", "utm_source=s&utm_medium=e"),
        ("x=a%2520b", "x=a%2520b"),
    ],
)
def test_campaigns_are_read_by_their_names_there(query: str, expected: str) -> None:
    assert page_of(hit_of(url=f"{PAGE}?{query}").url).query == expected


def test_a_referrer_may_be_left_out() -> None:
    assert hit_of(urlref="https://t.co/x", ignore_referrer="1").referrer == ""


def test_bots_that_are_told_apart_are_bots() -> None:
    assert hit_of(recMode="1").bot


def test_the_same_hit_sent_again_as_an_image_has_the_same_id() -> None:
    first, again = hit_of(), hit_of(send_image="1")
    assert first.event_id and first.event_id == again.event_id
    assert hit_of(r="999999").event_id != first.event_id


def test_without_anything_random_no_two_hits_are_the_same() -> None:
    (part,) = bulk_of("idsite=1&rec=1", method="GET", page=PAGE).parts
    assert part.raw.event_id == ""


def test_an_order_has_one_id_whenever_its_page_is_looked_at() -> None:
    one = hit_of(idgoal="0", ec_id="A-1", r="1").event_id
    assert one == hit_of(idgoal="0", ec_id="A-1", r="2").event_id
    assert hit_of(idgoal="0", ec_id="Ä" * 99).event_id.isascii()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"idsite": ""}, "idsite must be set"),
        ({"cid": "xyz"}, "cid must be 16 hexadecimal digits"),
        ({"cip": "192.0.2.256"}, "cip is not an address"),
        ({"cdt": "yesterday"}, "cdt is not a time"),
    ],
)
def test_what_is_invalid_gets_an_image_and_a_reason(
    said: dict[str, str], why: str
) -> None:
    answer = answered(urlencode({**SAID, **said, "send_image": "1"}))
    headers = dict(answer.headers)
    assert answer.status == 400 and answer.body.startswith(b"GIF89a")
    assert headers[b"x-page-tracker-dropped"].decode().startswith(why)


@pytest.mark.parametrize("said", [{"rec": "0"}, {"ca": "1"}])
def test_what_brings_no_hit_looks_like_success(said: dict[str, str]) -> None:
    assert answered(urlencode({**SAID, **said})).status == 204


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("POST", 400)])
def test_a_request_that_says_nothing_is_told_where_it_is(
    method: str, status: int
) -> None:
    answer = answered(method=method)
    assert answer.status == status and b"Matomo" in answer.body


@pytest.mark.parametrize(
    ("image", "status", "type_"), [("0", 204, b"text/plain"), ("1", 200, b"image/gif")]
)
def test_a_hit_is_answered_by_an_image_unless_none_is_wanted(
    image: str, status: int, type_: bytes
) -> None:
    answer = bulk_of(urlencode({**SAID, "send_image": image})).accept([()])
    assert (answer.status, dict(answer.headers)[b"content-type"]) == (status, type_)


def test_an_unknown_site_is_refused_and_what_does_not_count_is_not() -> None:
    bulk = bulk_of(urlencode(SAID))
    assert bulk.accept([UNKNOWN]).status == 400
    answer = bulk.accept([[Drop(0, "1", Reason.BOT, "Googlebot")]])
    assert answer.status == 204
    assert dict(answer.headers)[b"x-page-tracker-dropped"] == b"bot (Googlebot)"


def test_what_is_not_stored_says_when_to_come_again() -> None:
    answer = bulk_of(urlencode(SAID)).accept([AWAY])
    assert answer.status == 503
    assert dict(answer.headers)[b"retry-after"] == b"5"


def requests_of(*items: Any, **rest: Any) -> bytes:
    return json.dumps({"requests": list(items), **rest}).encode()


def test_many_requests_come_as_json_whatever_they_claim_to_be() -> None:
    """Queries, addresses and objects; matomo.js calls the whole a form."""
    query = "?" + urlencode(SAID)
    item = {**SAID, "rec": 1, "url": PAGE + "/ä"}
    bulk = bulk_of("", requests_of(query, "https://stats.example/m.php" + query, item))
    urls = [part.raw.url for part in bulk.parts]
    assert urls == [PAGE, PAGE, PAGE + "/ä"]
    assert json.loads(bulk.accept([(), (), ()]).body) == {
        **{"status": "success", "tracked": 3, "invalid": 0}
    }


def test_of_many_those_that_are_invalid_are_named_and_the_rest_counts() -> None:
    query = urlencode(SAID)
    bulk = bulk_of(
        "", requests_of("rec=1", query, 5, urlencode({**SAID, "rec": "0"}), query)
    )
    assert len(bulk.parts) == 2
    said = json.loads(bulk.accept([UNKNOWN, ()]).body)
    assert (said["tracked"], said["invalid"]) == (2, 3)
    assert said["invalid_indices"] == [0, 1, 2]


def test_many_are_refused_together_where_one_is_not_stored() -> None:
    """Their sender repeats the whole; what is in already is known by its id."""
    bulk = bulk_of("", requests_of(urlencode(SAID), urlencode(SAID)))
    assert bulk.accept([(), AWAY]).status == 503


def test_many_without_an_answer_to_show_get_none() -> None:
    bulk = bulk_of("", requests_of(urlencode(SAID), send_image=0))
    assert bulk.accept([()]).status == 204


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"requests"', 400),
        (b'{"requests":5}', 400),
        (b'["requests"]', 400),
        (requests_of(*["rec=1"] * 1_001), 413),
        (requests_of(), 200),
    ],
)
def test_many_that_are_none_are_answered_at_once(body: bytes, status: int) -> None:
    assert answered("", body).status == status


def test_more_parameters_than_anybody_sends_are_refused() -> None:
    assert answered("&".join(f"a{i}={quote('x')}" for i in range(1_001))).status == 400
