"""Umami's format: what it means, and how it is answered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from page_tracker.errors import NotStoredError
from page_tracker.hits.hit import NOBODY, Drop, Kind, RawHit, Reason
from page_tracker.hits.page import page_of
from page_tracker.protocols import umami
from page_tracker.protocols.bulk import Bulk, Fate, readable_by
from page_tracker.protocols.request import Answer, NothingToCountError, Request

WEBSITE = "5f7f4b0c-6a3f-4d0c-8d38-0f9f5b0f3a11"
# As its script sends a view.
VIEW = {
    "website": WEBSITE,
    "screen": "1280x720",
    "language": "en-US",
    "title": "Title",
    "hostname": "example.org",
    "url": "https://example.org/a?utm_source=x#/b",
    "referrer": "https://t.co/x",
}


def bulk_of(body: Any, path: str = "/api/send") -> Bulk:
    protocol = umami.BATCH if path == "/api/batch" else umami.SEND
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return protocol.decode(Request("POST", path, "", {}, sent), NOBODY)


def hit_of(payload: dict[str, Any]) -> RawHit:
    (part,) = bulk_of({"type": "event", "payload": payload}).parts
    return part.raw


def answered(body: Any, path: str = "/api/send") -> NothingToCountError:
    with pytest.raises(NothingToCountError) as answer:
        bulk_of(body, path)
    return answer.value


def told(answer: Answer) -> Any:
    headers = dict(answer.headers)
    assert headers[b"access-control-allow-origin"] == b"*"
    assert headers[b"content-type"] == b"application/json"
    return json.loads(answer.body)


def drop(reason: Reason, name: str = "") -> list[Drop]:
    return [Drop(0, "example.org", reason, name)]


def test_a_user_is_named_as_its_script_does_by_identify() -> None:
    assert hit_of({**VIEW, "id": "ada"}).user == "ada"
    assert hit_of({**VIEW, "id": 5}).user == hit_of(VIEW).user == ""


def test_an_event_may_have_an_id_of_its_own_beside_its_payload() -> None:
    body = {"type": "event", "payload": {**VIEW, "id": "somebody"}, "id": "0.5"}
    assert [part.raw.event_id for part in bulk_of(body).parts] == ["0.5"]
    assert hit_of(VIEW).event_id == ""


@pytest.mark.parametrize("event_id", [5, "x" * 65, "é", "a\nb"])
def test_an_id_that_could_do_harm_is_refused(event_id: object) -> None:
    answer = answered({"type": "event", "payload": VIEW, "id": event_id}).answer
    assert answer.status == 400
    assert told(answer)["error"]["message"].startswith("id: ")


def test_a_view_is_read_with_all_its_fields() -> None:
    hit = hit_of(VIEW)
    assert (hit.site, hit.kind, hit.name) == (WEBSITE, Kind.VIEW, "pageview")
    assert page_of(hit.url).path == "/a#/b"
    assert (hit.title, hit.referrer) == ("Title", "https://t.co/x")
    assert (hit.width, hit.language) == (1280, "en-US")


@pytest.mark.parametrize("url", ["/a?x=1", "a?x=1"])
def test_a_path_alone_is_of_the_host_that_is_named(url: str) -> None:
    assert hit_of({**VIEW, "url": url}).url == "https://example.org/a?x=1"


def test_what_a_server_sends_may_name_neither_page_nor_host() -> None:
    """Its client for Node sends no more than these."""
    hit = hit_of({"website": WEBSITE, "name": "Signup", "data": {"plan": "pro"}})
    assert (hit.kind, hit.name, hit.props) == (Kind.EVENT, "Signup", {"plan": "pro"})
    assert page_of(hit.url).path == "/"


def test_event_data_becomes_flat_properties() -> None:
    data = {
        "a": {"b": {"c": 1.23456}, "d": True},
        "list": [1, "x"],
        "none": None,
        "blank": " ",
        "n": 3,
    }
    hit = hit_of({**VIEW, "name": "n", "tag": "t", "data": data})
    assert hit.props == {
        **{"tag": "t", "a.b.c": "1.2346", "a.d": "true", "list": '[1, "x"]', "n": "3"}
    }


def test_data_that_is_nested_without_end_is_kept_as_text() -> None:
    data: dict[str, Any] = {"x": 1}
    for _ in range(60):
        data = {"k": data}
    (key,) = hit_of({**VIEW, "name": "n", "data": data}).props
    assert key.count(".") == 8


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"revenue": 19.99, "currency": "eur"}, (19_990, "EUR", "")),
        ({"revenue": "5", "currency": "USD"}, (5_000, "USD", "")),
        ({"revenue": 5}, (None, "", "5 (no currency)")),
        ({"revenue": 0, "currency": "USD"}, (None, "", "")),
        ({"currency": "USD"}, (None, "", "")),
    ],
)
def test_revenue_is_event_data_of_two_names(
    data: dict[str, Any], expected: tuple[int | None, str, str]
) -> None:
    hit = hit_of({**VIEW, "name": "Order", "data": data})
    assert (hit.revenue, hit.currency, hit.unread_revenue) == expected


@pytest.mark.parametrize("kind", ["identify", "performance"])
def test_other_types_are_accepted_and_bring_no_hit(kind: str) -> None:
    """Its script goes on only where these succeed."""
    answer = answered({"type": kind, "payload": VIEW})
    assert (answer.answer.status, told(answer.answer)) == (200, {})
    assert not answer.refused


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{", "the body is no JSON"),
        (b"[]", "type: must be one of event, identify, performance"),
        ({"type": "other", "payload": VIEW}, "type: must be one of"),
        ({"type": "event", "payload": []}, "payload: must be an object"),
        ({"type": "event", "payload": {}}, "payload.website: must be set"),
        ({"type": "event", "payload": {"website": 5}}, "payload.website: must be a"),
        (
            {"type": "event", "payload": {**VIEW, "name": "x" * 121}},
            "payload.name: must have at most 120 characters",
        ),
        (
            {"type": "event", "payload": {**VIEW, "url": 5}},
            "payload.url: must be a string",
        ),
    ],
)
def test_what_is_invalid_is_refused_in_the_shape_of_its_errors(
    body: Any, why: str
) -> None:
    answer = answered(body).answer
    error = told(answer)["error"]
    assert answer.status == error["status"] == 400
    assert error["code"] == "bad-request" and error["message"].startswith(why)


def test_the_owner_is_told_of_what_is_invalid_where_the_site_is_known() -> None:
    (refused,) = answered({"type": "event", "payload": {**VIEW, "url": 5}}).refused
    assert refused.site == WEBSITE
    assert refused.refused == "payload.url: must be a string"


@pytest.mark.parametrize(
    ("fate", "status", "body"),
    [
        ((), 200, {}),
        (drop(Reason.BOT, "Googlebot"), 200, {"beep": "boop"}),
        (drop(Reason.OPTED_OUT), 200, {}),
        (
            drop(Reason.BLOCKED_ADDRESS),
            403,
            {"error": {"message": "Forbidden", "code": "forbidden", "status": 403}},
        ),
        (
            drop(Reason.UNKNOWN_SITE),
            400,
            {
                "error": {
                    "message": "Website not found.",
                    "code": "bad-request",
                    "status": 400,
                }
            },
        ),
    ],
)
def test_each_fate_has_the_answer_that_its_clients_know(
    fate: Fate, status: int, body: Any
) -> None:
    answer = bulk_of({"type": "event", "payload": VIEW}).accept([fate])
    assert (answer.status, told(answer)) == (status, body)


def test_what_is_not_stored_says_when_to_come_again() -> None:
    bulk = bulk_of({"type": "event", "payload": VIEW})
    answer = bulk.accept([NotStoredError("Redis is away", 5)])
    assert answer.status == 503
    assert dict(answer.headers)[b"retry-after"] == b"5"


def test_a_batch_is_answered_body_by_body() -> None:
    good, bad = {"type": "event", "payload": VIEW}, {"type": "event", "payload": {}}
    identify = {"type": "identify", "payload": VIEW}
    bulk = bulk_of([bad, good, identify, good], "/api/batch")
    assert len(bulk.parts) == 2

    said = told(bulk.accept([(), drop(Reason.UNKNOWN_SITE)]))
    assert (said["size"], said["processed"], said["errors"]) == (4, 2, 2)
    assert [each["index"] for each in said["details"]] == [0, 3]
    assert said["details"][1]["response"]["error"]["message"] == "Website not found."


def test_a_batch_of_which_nothing_is_stored_may_be_sent_again() -> None:
    bulk = bulk_of([{"type": "event", "payload": VIEW}] * 2, "/api/batch")
    away = NotStoredError("Redis is away", 5)
    assert bulk.accept([away, away]).status == 503
    assert told(bulk.accept([(), away]))["errors"] == 1


@pytest.mark.parametrize(
    ("body", "status"), [({}, 400), ([], 400), ([{}] * 1_001, 413), ([{}], 200)]
)
def test_a_batch_without_a_hit_is_answered_at_once(body: Any, status: int) -> None:
    assert answered(body, "/api/batch").answer.status == status


def test_a_page_that_sends_with_credentials_may_read_the_answer() -> None:
    answer = bulk_of({"type": "event", "payload": VIEW}).accept([()])
    headers = dict(readable_by("https://example.org", answer).headers)
    assert headers[b"access-control-allow-origin"] == b"https://example.org"
    assert headers[b"access-control-allow-credentials"] == b"true"
    assert headers[b"vary"] == b"Origin"
    assert readable_by("", answer) is answer
    assert readable_by("x\r\ny: z", answer) is answer
