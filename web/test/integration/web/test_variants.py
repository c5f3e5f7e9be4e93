"""A visitor is dealt the same variant all day, by whichever process is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from page_tracker import app as app_module
from page_tracker.app import create_app
from support.application import application

NOON = 1_772_452_800  # 2026-03-02, UTC
DAY = 86_400
ASKED_EVENLY = "d=a.org&name=buttons&of=a&of=b"
ASKED = "/js/variant.json?d=a.org&name={name}&of=old&of=new"


@pytest.fixture(autouse=True)
def environment(redis_url: str, tmp_path: Path) -> Iterator[None]:
    with application(redis_url, tmp_path):
        app_module.sites().add("a.org", {})
        yield


@pytest.fixture
def client() -> FlaskClient:
    return create_app().test_client()


def asked(client: FlaskClient, agent: int, name: str = "buttons") -> TestResponse:
    headers = {"User-Agent": f"Agent {agent}", "Origin": "https://a.org"}
    return client.get(ASKED.format(name=name), headers=headers)


def dealt(client: FlaskClient, name: str = "buttons") -> list[str]:
    """What a hundred visitors are dealt."""
    answers = [asked(client, agent, name).json for agent in range(100)]
    return [answer["variant"] for answer in answers if answer]


def test_it_is_the_same_all_day_and_another_one_on_the_next(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(time_ns=lambda: NOON * 10**9)
    monkeypatch.setattr("page_tracker.web.variants.time", clock)
    first = dealt(client)
    app_module.collector.cache_clear()  # as another process begins
    clock.time_ns = lambda: (NOON + DAY // 2 - 1) * 10**9
    again = dealt(client)
    clock.time_ns = lambda: (NOON + DAY // 2) * 10**9
    tomorrow = dealt(client)

    assert set(first) == {"old", "new"} and first == again != tomorrow


def test_experiments_are_dealt_apart(client: FlaskClient) -> None:
    assert dealt(client, "buttons") != dealt(client, "colours")


def test_each_variant_has_its_share_of_visitors(client: FlaskClient) -> None:
    found = dealt(client, "buttons&share=9&share=1")

    assert 75 <= found.count("old") < 100, "of a hundred, about ninety"
    assert dealt(client, "buttons&share=0.5&share=0.5") == dealt(client, "buttons")


def test_any_page_may_ask_and_nobody_keeps_the_answer(client: FlaskClient) -> None:
    answer = asked(client, 1)

    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    script = client.get("/js/variant.js")
    assert script.headers["Access-Control-Allow-Origin"] == "*"
    assert script.headers["Cache-Control"] == "public, max-age=86400"


@pytest.mark.parametrize(
    ("query", "status", "why"),
    [
        ("d=a.org&name=Buttons&of=a&of=b", 400, "`name` must start with"),
        ("d=a.org&name=buttons&of=a", 400, "give `of` 2 to 20 times"),
        (f"{ASKED_EVENLY}&share=1", 400, "give `share` as often as `of`"),
        (f"{ASKED_EVENLY}&share=1&share=0", 400, "must be a number above 0"),
        (f"{ASKED_EVENLY}&share=1&share=nan", 400, "must be a number above 0"),
        ("d=b.org&name=buttons&of=a&of=b", 404, "`d` is not a site here"),
    ],
)
def test_what_is_refused_says_why(
    client: FlaskClient, query: str, status: int, why: str
) -> None:
    answer = client.get(f"/js/variant.json?{query}")

    assert answer.status_code == status
    assert answer.json and why in answer.json["error"]
