"""What is sent to break things: each string of a question, bodies without end.

The answer is right, or a 400 that says where: never a 500, never SQL that runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from page_tracker import app as app_module
from page_tracker.app import create_app
from page_tracker.lake.table import Lake
from page_tracker.sites.goal import new_goal, with_goal, with_segment
from support.application import application
from support.asked import put, view
from support.hostile_texts import NO_TEXT, TEXTS, UNPRINTABLE, places, put_in

SITE = "a.org"
OWNED = f"/api/sites/{SITE}"
QUESTION: dict[str, Any] = {
    "site_id": SITE,
    "metrics": ["visitors", "pageviews"],
    "date_range": ["2026-03-01", "2026-03-03"],
}
# A question with every kind of string that there is in one.
FULL: dict[str, Any] = {
    **QUESTION,
    "dimensions": ["event:page", "time:day", "event:props:plan"],
    "filters": [
        ["is", "visit:source", ["Google"], {"case_sensitive": False}],
        ["and", [["contains", "event:props:plan", ["pro"]]]],
        ["not", ["matches", "event:hostname", ["^a"]]],
        ["has_done", ["is", "event:goal", ["Docs"]]],
        ["is", "segment", [1]],
    ],
    "order_by": [["visitors", "desc"]],
    "include": {
        "total_rows": True,
        "comparisons": {"mode": "custom", "date_range": ["2026-02-01", "2026-02-03"]},
    },
    "pagination": {"limit": 10},
}


@pytest.fixture(autouse=True, scope="module")
def environment(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("hostile")
    # pytest runs the fixture to its end.
    # pylint: disable-next=contextmanager-generator-missing-cleanup
    with application(redis_url, folder) as patched:
        patched.chdir(folder)
        app_module.sites().add(SITE, {})
        goal = new_goal({"name": "Docs", "page": "/docs"})
        app_module.sites().put_goals(SITE, lambda known: with_goal(known, goal))
        app_module.sites().put_segments(
            SITE, lambda known: with_segment(known, "s", [["is", "event:page", ["/"]]])
        )
        put(Lake(str(folder / "lake")), rows(), 1)
        yield folder


def rows() -> list[dict[str, Any]]:
    """A page view for each text, which is its page, its source and its property."""
    texts = [*TEXTS, *UNPRINTABLE]
    return [
        view(number, text) | {"source": text[:255], "props": {text[:300] or "k": "v"}}
        for number, text in enumerate(texts, 1)
    ]


@pytest.fixture(scope="module")
def client(environment: Path) -> FlaskClient:
    assert environment.exists()
    return create_app().test_client()


@pytest.fixture(scope="module")
def header(environment: Path) -> dict[str, str]:
    assert environment.exists()
    text = app_module.tokens().add("admin", None)[1]
    return {"Authorization": f"Bearer {text}"}


def asked(
    client: FlaskClient, header: dict[str, str], body: object, path: str = "query"
) -> TestResponse:
    return client.post(f"/api/v2/{path}", data=written(body), headers=header)


def written(body: object) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def results(response: TestResponse) -> dict[tuple[str, ...], list[Any]]:
    assert response.status_code == 200, response.text
    assert response.json is not None
    return {
        tuple(row["dimensions"]): row["metrics"] for row in response.json["results"]
    }


@pytest.mark.parametrize("place", list(places(FULL)), ids=str)
def test_no_string_of_a_question_is_taken_for_anything_else(
    client: FlaskClient, header: dict[str, str], place: tuple[Any, ...]
) -> None:
    assert asked(client, header, FULL).status_code == 200
    texts = [*TEXTS, *UNPRINTABLE, *NO_TEXT]
    if place[0] == "dimensions" or place[-1] == 1:
        texts += [f"event:props:{text}" for text in texts]
    for text in texts:
        response = asked(client, header, put_in(FULL, place, text))
        if response.status_code != 200:
            assert response.status_code == 400 or place == ("site_id",)
            assert response.json
            error = response.json["error"]
            assert error.startswith("#") or place == ("site_id",), (text, error)


@pytest.mark.parametrize("operator", ["is", "contains", "is_not", "contains_not"])
def test_a_filter_finds_just_its_text(
    client: FlaskClient, header: dict[str, str], operator: str
) -> None:
    pages = [row["path"] for row in rows()]
    labels = [page or "(not set)" for page in pages]

    for text in (*TEXTS, *UNPRINTABLE[1:]):
        found = results(
            asked(
                *(client, header),
                QUESTION
                | {
                    "dimensions": ["event:page"],
                    "filters": [[operator, "event:page", [text]]],
                },
            )
        )

        # The label of none names what is called so, too, but only as a whole.
        holds = [
            text in page if operator.startswith("contains") else text in (page, label)
            for page, label in zip(pages, labels, strict=True)
        ]
        wanted = {
            label
            for label, held in zip(labels, holds, strict=True)
            if held != operator.endswith("not")
        }
        assert {label for (label,) in found} == wanted, text


def test_every_text_is_told_as_it_was_counted(
    client: FlaskClient, header: dict[str, str]
) -> None:
    counted = rows()

    for name in ("event:page", "visit:source"):
        found = results(asked(client, header, QUESTION | {"dimensions": [name]}))
        assert len(found) >= len(counted) - 3  # '' has the label that is a text too
        assert sum(pageviews for _, pageviews in found.values()) == len(counted)
    for row in counted:
        (key,) = row["props"]
        body = QUESTION | {"dimensions": [f"event:props:{key}"]}
        found = results(asked(client, header, body))
        same = sum(key in each["props"] for each in counted)
        assert found["v",] == [same, same]
        assert found["(none)",][1] == len(counted) - same


@pytest.mark.parametrize("text", [*TEXTS, *UNPRINTABLE, *NO_TEXT], ids=ascii)
def test_goals_and_segments_have_any_line_of_text_and_nothing_else(
    client: FlaskClient, header: dict[str, str], text: str
) -> None:
    name = text[:120]
    things = {
        "goals": {"name": name, "event": name, "props": {name: name}},
        "segments": {"name": name, "filters": [["is", "event:page", [text]]]},
    }
    made = {
        path: client.post(f"{OWNED}/{path}", data=written(body), headers=header)
        for path, body in things.items()
    }
    is_line = text.isprintable() and text.strip() != ""
    assert {each.status_code for each in made.values()} == {201 if is_line else 400}
    if not is_line:
        return

    goal, segment = (each.json or {} for each in made.values())
    by_goal = {
        "dimensions": ["event:goal"],
        "filters": [["is", "event:goal", [goal["name"]]]],
    }
    assert results(asked(client, header, QUESTION | by_goal)) == {}
    within = QUESTION | {"filters": [["is", "segment", [segment["id"]]]]}
    # The label of none names what is called so, too.
    meant = {text, ""} if text == "(not set)" else {text}
    assert results(asked(client, header, within))[()][1] == sum(
        row["path"] in meant for row in rows()
    )

    for path, key in (("goals", goal["name"]), ("segments", str(segment["id"]))):
        where = f"{OWNED}/{path}/{quote(key, safe='')}"
        assert client.delete(where, headers=header).status_code == 204


@pytest.mark.parametrize(
    "text", [*filter(str.isprintable, TEXTS), "a." * 900], ids=ascii
)
def test_a_goal_s_page_means_itself_but_for_its_stars(
    client: FlaskClient, header: dict[str, str], text: str
) -> None:
    goal = {"name": "page", "page": f"**{text}"}
    added = client.post(f"{OWNED}/goals", data=written(goal), headers=header)
    assert added.status_code == 201

    chosen = QUESTION | {"filters": [["is", "event:goal", ["page"]]]}
    found = results(asked(client, header, chosen))[()]

    ends = re.escape(text).replace(r"\*", "[^/]*")
    pages = [row["path"] for row in rows()]
    assert found[1] == sum(bool(re.search(f"{ends}$", page)) for page in pages)


def test_a_goal_s_page_with_stars_without_end_is_refused(
    client: FlaskClient, header: dict[str, str]
) -> None:
    body = written({"page": "/" + "*a" * 21})

    response = client.post(f"{OWNED}/goals", data=body, headers=header)

    assert response.status_code == 400
    assert response.json and "wildcards" in response.json["error"]


LEAF = ["is", "event:page", ["/"]]


def nested(word: str, depth: int) -> bytes:
    """A filter within so many others, which no writer of JSON would write."""
    head, tail = f'["{word}",' + "[" * (word == "and"), "]" + "]" * (word == "and")
    return written(QUESTION)[:-1] + (
        f', "filters": [{head * depth}{json.dumps(LEAF)}{tail * depth}]}}'.encode()
    )


def question(**changes: Any) -> bytes:
    return written(QUESTION | changes)


BODIES: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 400, "#"),
    "half": (b"{", 400, "#"),
    "null": (b"null", 400, "#"),
    "no UTF-8": (b"\xff\xfe", 400, "#"),
    "NaN": (b'{"site_id": NaN}', 400, "#"),
    "infinity": (b'{"site_id": -Infinity}', 400, "#"),
    "comment": (b"{/**/}", 400, "#"),
    "too large": (b'"' + b"x" * 1_000_001 + b'"', 413, "the body is larger"),
    "large": (question(site_id="x" * 999_000), 401, "this token"),
    "deep lists": (b"[" * 400_000 + b"]" * 400_000, 400, "#"),
    "lists beyond the bound": (
        b'{"site_id": "a.example", "metrics": ' + b"[" * 200 + b"]" * 200 + b"}",
        *(400, "#: the body"),
    ),
    "deep objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400, "#"),
    "10,000 filters in one another": (nested("not", 10_000), 400, "#"),
    "40 filters in one another": (nested("and", 40), 400, "#/filters/0/1"),
    "10,000 filters side by side": (
        question(filters=[LEAF] * 10_000),
        400,
        "#/filters",
    ),
    "10,000 values": (
        question(filters=[["is", "event:page", ["/"] * 10_000]]),
        400,
        "#/filters/0/2: must be a list of 1 to 1000 values",
    ),
    "60,000 values in 60 filters": (
        question(filters=[["is", "event:page", ["a"] * 1_000]] * 60),
        400,
        "#/filters/5/2: at most 5000 values",
    ),
    "1,000 patterns": (
        question(filters=[["matches", "event:page", ["(a|b)*a(a|b){12}"] * 1_000]]),
        400,
        "#/filters/0/2: at most 100 patterns",
    ),
    "a pattern that explodes when compiled": (
        question(filters=[["matches", "event:page", [r"((\pL{100}){100}){10}"]]]),
        400,
        "#/filters/0/2/0: is no regular expression",
    ),
    "a long pattern": (
        question(filters=[["matches", "event:page", ["a" * 501]]]),
        400,
        "#/filters/0/2/0: a pattern has at most",
    ),
    "an offset of 400 digits": (
        question(pagination={"offset": 10**400}),
        400,
        "#/pagination/offset",
    ),
    "a value of 400 digits": (
        question(filters=[["is", "event:page", [10**400]]]),
        400,
        "#/filters/0/2/0",
    ),
    "a limit that is no whole number": (
        question(pagination={"limit": 1e300}),
        400,
        "#/pagination/limit",
    ),
    "20,000 orders": (
        question(order_by=[["visitors", "asc"]] * 20_000),
        400,
        "#/order_by/1/0: ",
    ),
    "100,000 metrics": (question(metrics=["visits"] * 90_000), 400, "#/metrics/1"),
    "90,000 properties": (
        question(dimensions=[f"event:props:{n}" for n in range(40_000)]),
        400,
        "#/dimensions",
    ),
    "a key of 900,000 characters": (question(**{"k" * 900_000: 1}), 400, "#/kkk"),
    "the year 10000": (question(date_range=["9999-12-31", "9999-12-31"]), 400, "#/d"),
    "all minutes of all time": (
        question(
            date_range=["1970-01-01", "2199-12-31"],
            dimensions=["time:minute"],
            include={"time_labels": True},
        ),
        400,
        "#/include/time_labels",
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_what_is_too_much_is_refused_at_once(
    client: FlaskClient, header: dict[str, str], name: str
) -> None:
    body, status, why = BODIES[name]
    response = asked(client, header, body)

    assert response.status_code == status, response.text
    assert response.json and response.json["error"].startswith(why)
    assert len(response.data) < 5_000
    several = asked(client, header, b"[" + body + b"]", "queries")
    assert several.status_code == (413 if len(body) > 999_998 else status)


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "(a|a)*$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*a){25}", r"(\w+\s?)*$"],
)
def test_no_pattern_keeps_an_answer_from_coming(
    client: FlaskClient, header: dict[str, str], pattern: str
) -> None:
    """There is a page of 1,900 characters that they nearly match."""
    body = QUESTION | {"filters": [["matches", "event:page", [pattern] * 20]]}
    assert asked(client, header, body).status_code == 200


def test_what_was_sent_has_touched_nothing(
    client: FlaskClient, header: dict[str, str], environment: Path
) -> None:
    for text in TEXTS:
        asked(client, header, QUESTION | {"dimensions": [f"event:props:{text}"]})

    assert not list(environment.rglob("PWNED*"))
    assert results(asked(client, header, QUESTION)) == {(): [len(rows())] * 2}
