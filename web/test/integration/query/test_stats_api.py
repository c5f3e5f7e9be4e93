"""Each question that the public documentation of the Stats API v2 shows is answered.

Asked over HTTP of an imported log, at an instant within it; each answer has the
documented shape, and asking again what was understood gives the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator
from redis import Redis

from page_tracker import app as app_module
from page_tracker.app import create_app
from page_tracker.query.catalog import DIMENSIONS, METRICS, OPERATORS, TIME_BUCKETS
from page_tracker.query.dates import WORDS
from page_tracker.sites.goal import new_goal, with_goal, with_segment
from page_tracker.web.openapi.document import document
from support.application import application
from support.importing import LOG, History

SITE = "example.com"
NOW = 1_432_123_200  # 2015-05-20, noon: the log is of the 17th to the 20th
DAYS = ["2015-05-17", "2015-05-20"]
GOALS: tuple[dict[str, Any], ...] = (
    {"name": "Projects", "page": "/projects/**"},
    {"name": "Purchase", "event": "buy", "currency": "EUR"},
)
SEGMENT = [["is", "visit:browser", ["Chrome", "Firefox"]]]
FOLDED = ["contains", "visit:browser", ["SAFARI"], {"case_sensitive": False}]

# By name: what is asked beside the site, and the least number of rows in the answer.
QUESTIONS: dict[str, tuple[dict[str, Any], int]] = {
    "totals": (
        {"metrics": ["visitors", "pageviews", "bounce_rate"], "date_range": "7d"},
        1,
    ),
    "two dates": ({"metrics": ["visitors"], "date_range": DAYS}, 1),
    "two instants": (
        {
            "metrics": ["visitors"],
            "date_range": ["2015-05-18T10:00:00+02:00", "2015-05-18T18:30:00Z"],
        },
        1,
    ),
    "countries and cities": (
        {
            "metrics": ["visitors", "pageviews", "bounce_rate"],
            "date_range": "7d",
            "dimensions": ["visit:country_name", "visit:city_name"],
            "filters": [["is_not", "visit:country_name", [""]]],
            "order_by": [["visitors", "desc"], ["visit:country_name", "asc"]],
        },
        0,  # the data that comes with it has no cities
    ),
    "campaigns": (
        {
            "metrics": ["visitors", "events", "pageviews"],
            "date_range": "all",
            "dimensions": ["visit:utm_medium", "visit:utm_source"],
            "filters": [["is_not", "visit:utm_medium", [""]]],
        },
        1,
    ),
    "pages of a folder, from some countries": (
        {
            "metrics": ["visitors", "pageviews", "visits"],
            "date_range": DAYS,
            "dimensions": ["event:page"],
            "filters": [
                ["contains", "event:page", ["/projects", "/blog"]],
                ["or", [["is", "visit:country", ["US"]], ["not", FOLDED]]],
            ],
        },
        10,
    ),
    "hour by hour": (
        {
            "metrics": ["visitors", "events"],
            "date_range": ["2015-05-18", "2015-05-18"],
            "dimensions": ["time:hour"],
        },
        24,
    ),
    "over time, with the names of all buckets": (
        {
            "metrics": ["visitors", "visit_duration"],
            "date_range": ["2015-05-10", "2015-05-20"],
            "dimensions": ["time"],
            "include": {"time_labels": True},
        },
        4,
    ),
    "over time, of each source": (
        {
            "metrics": ["visitors"],
            "date_range": "7d",
            "dimensions": ["time:day", "visit:source"],
        },
        8,
    ),
    "the top pages, page by page": (
        {
            "metrics": ["visitors", "pageviews", "scroll_depth", "time_on_page"],
            "date_range": "month",
            "dimensions": ["event:page"],
            "include": {"total_rows": True},
            "pagination": {"limit": 10, "offset": 20},
        },
        10,
    ),
    "goals": (
        {
            "metrics": ["visitors", "events", "conversion_rate"],
            "date_range": "all",
            "dimensions": ["event:goal"],
        },
        1,
    ),
    "a goal by source": (
        {
            "metrics": ["visitors", "group_conversion_rate"],
            "date_range": "all",
            "dimensions": ["visit:source"],
            "filters": [["is", "event:goal", ["Projects"]]],
        },
        3,
    ),
    "revenue": (
        {
            "metrics": ["total_revenue", "average_revenue"],
            "date_range": "all",
            "filters": [["is", "event:goal", ["Purchase"]]],
        },
        1,
    ),
    "revenue of goals that have none": (
        {
            "metrics": ["total_revenue"],
            "date_range": "all",
            "filters": [["is", "event:goal", ["Projects"]]],
        },
        1,
    ),
    "a property of an event": (
        {
            "metrics": ["visitors", "percentage"],
            "date_range": "all",
            "dimensions": ["event:props:plan"],
            "filters": [["is", "event:name", ["pageview"]]],
        },
        1,
    ),
    "who has seen one page and not another": (
        {
            "metrics": ["visitors"],
            "date_range": "all",
            "dimensions": ["visit:entry_page"],
            "filters": [
                ["has_done", ["is", "event:page", ["/"]]],
                ["has_not_done", ["matches", "event:page", ["^/projects/.*"]]],
            ],
        },
        1,
    ),
    "a segment": (
        {
            "metrics": ["visitors"],
            "date_range": "all",
            "dimensions": ["visit:browser"],
            "filters": [["is", "segment", [1]]],
        },
        2,
    ),
    "compared with the days before": (
        {
            "metrics": ["visitors", "bounce_rate"],
            "date_range": ["2015-05-19", "2015-05-20"],
            "dimensions": ["visit:source"],
            "include": {"comparisons": {"mode": "previous_period"}},
        },
        3,
    ),
    "compared with the year before, by weekdays": (
        {
            "metrics": ["visitors"],
            "date_range": DAYS,
            "dimensions": ["time:day"],
            "include": {
                "comparisons": {"mode": "year_over_year", "match_day_of_week": True}
            },
        },
        4,
    ),
    "compared with two dates": (
        {
            "metrics": ["visitors"],
            "date_range": ["2015-05-19", "2015-05-20"],
            "include": {
                "comparisons": {
                    "mode": "custom",
                    "date_range": ["2015-05-17", "2015-05-18"],
                }
            },
        },
        1,
    ),
    "imports": (
        {"metrics": ["visitors"], "date_range": "12mo", "include": {"imports": True}},
        1,
    ),
}
NEEDED: dict[str, dict[str, Any]] = {
    "": {},
    "dimension": {"dimensions": ["visit:device"]},
    "goal": {"filters": [["is", "event:goal", ["Purchase", "Projects"]]]},
    "page": {"filters": [["is", "event:page", ["/"]]]},
}
QUESTIONS |= {
    f"metric {name}": (
        {"metrics": [name], "date_range": DAYS, **NEEDED[metric.needs]},
        1,
    )
    for name, metric in METRICS.items()
}
QUESTIONS |= {
    f"dimension {name}": (
        {"metrics": ["visitors"], "date_range": DAYS, "dimensions": [name]},
        0 if name.startswith(("visit:region", "visit:city")) else 1,
    )
    for name in [*DIMENSIONS, *TIME_BUCKETS, "time", "event:props:plan"]
}
QUESTIONS |= {
    f"operator {name}": (
        {
            "metrics": ["visitors"],
            "date_range": DAYS,
            "filters": [[name, "visit:browser", ["Chrome"]]],
        },
        1,
    )
    for name in OPERATORS
}
QUESTIONS |= {
    f"range {word}": (
        {"metrics": ["visitors"], "date_range": word, "dimensions": ["time"]},
        0 if word.endswith("mo") else 1,  # the log is of this month
    )
    for word in [*WORDS, "3d", "2mo"]
}


@pytest.fixture(autouse=True, scope="module")
def _counted(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """The log of a site that has goals and a segment; it is the 20th of May 2015."""
    folder = tmp_path_factory.mktemp("stats")
    with application(redis_url, folder) as patched, Redis.from_url(redis_url) as redis:
        clock = SimpleNamespace(time=lambda: NOW)
        patched.setattr("page_tracker.web.api.query.time", clock)
        site = app_module.sites().add(SITE, {})
        for goal in map(new_goal, GOALS):
            app_module.sites().put_goals(SITE, partial(with_goal, goal=goal))
        app_module.sites().put_segments(
            SITE, lambda known: with_segment(known, "Two browsers", SEGMENT)
        )
        History(folder, redis, site).run(LOG)
        yield


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    return create_app().test_client()


@pytest.fixture(scope="module")
def answers() -> OAS31Validator:
    """Holds answers to their description."""
    described = document()
    return OAS31Validator(
        {
            "$ref": "#/components/schemas/Answer",
            "components": described["components"],
        }
    )


def asked(client: FlaskClient, body: dict[str, Any]) -> Any:
    token = app_module.tokens().add("stats", [SITE])[1]
    header = {"Authorization": f"Bearer {token}"}
    response = client.post("/api/v2/query", json=body, headers=header)
    assert response.status_code == 200, response.text
    return response.json


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_documented_question_is_answered_in_the_documented_shape(
    client: FlaskClient, answers: OAS31Validator, name: str
) -> None:
    question, least = QUESTIONS[name]
    answer = asked(client, {"site_id": SITE, **question})

    answers.validate(answer)
    results, understood = answer["results"], answer["query"]
    assert len(results) >= least
    for row in results:
        assert len(row["metrics"]) == len(question["metrics"])
        assert len(row["dimensions"]) == len(question.get("dimensions", []))
        for metric, value in zip(question["metrics"], row["metrics"], strict=True):
            assert_typed(metric, value)
    assert understood["site_id"] == SITE
    assert understood["metrics"] == question["metrics"]
    include = question.get("include", {})
    assert ("total_rows" in answer["meta"]) == ("total_rows" in include)
    assert ("time_labels" in answer["meta"]) == ("time_labels" in include)
    assert all(("comparison" in row) == ("comparisons" in include) for row in results)
    assert asked(client, understood)["results"] == results


def assert_typed(metric: str, value: Any) -> None:
    kind = METRICS[metric].type
    if kind == "money":
        assert value is None or set(value) == {"value", "currency", "short", "long"}
    elif kind == "integer":
        assert value is None or isinstance(value, int)
    else:
        assert isinstance(value, int | float)


def test_rows_are_ordered_by_time_or_else_by_the_first_metric(
    client: FlaskClient,
) -> None:
    body = {"site_id": SITE, "metrics": ["pageviews", "visitors"], "date_range": DAYS}

    by_page = asked(client, body | {"dimensions": ["event:page"]})["results"]
    by_day = asked(client, body | {"dimensions": ["time:day"]})["results"]

    counts = [row["metrics"][0] for row in by_page]
    assert counts == sorted(counts, reverse=True)
    assert [row["dimensions"][0] for row in by_day] == [
        f"2015-05-{day}" for day in (17, 18, 19, 20)
    ]


def test_a_page_of_rows_is_a_part_of_all_rows(client: FlaskClient) -> None:
    body = {
        "site_id": SITE,
        "metrics": ["visitors"],
        "date_range": DAYS,
        "dimensions": ["event:page"],
    }
    every = asked(client, body)["results"]

    part = asked(client, body | {"pagination": {"limit": 7, "offset": 30}})["results"]

    assert part == every[30:37]


def test_revenue_that_no_goal_has_is_null_and_said_so(client: FlaskClient) -> None:
    question, _ = QUESTIONS["revenue of goals that have none"]

    answer = asked(client, {"site_id": SITE, **question})

    assert answer["results"][0]["metrics"] == [None]
    warning = answer["meta"]["metric_warnings"]["total_revenue"]
    assert warning["code"] == "no_revenue_goals_matching" and warning["warning"]


def test_imports_are_told_where_the_range_has_some(client: FlaskClient) -> None:
    body = {"site_id": SITE, "metrics": ["visitors"], "include": {"imports": True}}

    here = asked(client, body | {"date_range": DAYS})["meta"]
    before = asked(client, body | {"date_range": "6mo"})["meta"]

    assert here == {"imports_included": True}
    assert before == {"imports_included": False, "imports_skip_reason": "out_of_range"}
