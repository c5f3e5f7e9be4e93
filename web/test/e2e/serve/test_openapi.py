"""A real server, driven by what its description says: all answers conform to it.

What is drawn from the description is sent as it is, and made wrong on purpose. The site
is put in, so that most of it gets as far as an answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.generation import derive_operation_seed
from schemathesis.generation.hypothesis.builder import (
    HypothesisTestConfig,
    HypothesisTestMode,
    create_test,
)

from page_tracker.web.openapi.document import document
from page_tracker.web.openapi.schemas import SITE
from support.drawing import examples, is_long
from support.importing import LOG
from support.pace import ANSWER_SECONDS
from support.processes import command, serving

QUESTIONS = "/api/v2/query"
# Nothing is drawn anew in each run: what is found once is found always.
CONFIG = {
    "seed": 1,
    "generation": {"deterministic": True, "database": "none"},
    "checks": {
        # Too large a body is refused as that, whatever is in it.
        "negative_data_rejection": {
            "expected-statuses": [400, 401, 403, 404, 405, 413]
        },
        # A description cannot say all that makes a question mean something.
        "positive_data_acceptance": {"enabled": False},
        # Too many wrong tokens would keep out the right one.
        "ignored_auth": {"enabled": False},
    },
    # What is asked is the same there as in one question, which is driven in full; each
    # of its parts made wrong in turn is 1,900 requests, for which a long run has time.
    "operations": [
        {"include-path": path, "phases": {"coverage": {"enabled": False}}}
        for path in (
            "/api/v2/queries",
            "/api/v2/experiment",
            "/api/sites/{domain}/segments",
            *(() if is_long() else (QUESTIONS,)),
        )
    ]
    # What its address has besides is not looked at, as GoatCounter's.
    + [
        {
            "include-path": "/api/v0/export",
            "checks": {"negative_data_rejection": {"enabled": False}},
        }
    ],
}
schema = schemathesis.openapi.from_dict(
    document(), config=schemathesis.Config.from_dict(CONFIG)
)

REMOVALS = (
    "/api/sites/{domain}/goals/{name}",
    "/api/sites/{domain}/segments/{number}",
    "/api/sites/{domain}/annotations/{number}",
    "/api/tokens/{token_id}",
)


# Removed would be the site that all others are asked about.
SITE_REMOVALS = {"/api/sites/{domain}": "domain", "/api/v1/sites/{site_id}": "site_id"}
QUESTION = {"site_id": SITE, "metrics": ["visitors"], "date_range": "all"}
# What is drawn may all be refused; these are not.
ACCEPTED: dict[str, Any] = {
    "POST /api/v2/query": QUESTION,
    "POST /api/v2/queries": [QUESTION],
    "POST /api/v2/experiment": {
        "site_id": SITE,
        "dimension": "visit:browser",
        "goal": "Projects",
        "date_range": "all",
        "filters": [["is", "visit:browser", ["Chrome", "Firefox"]]],
    },
    "POST /api/sites": {"domain": "accepted.example"},
    "POST /api/v1/sites": {"domain": "accepted-too.example"},
    "PUT /api/v1/sites/goals": {
        "site_id": SITE,
        "goal_type": "event",
        "event_name": "Accepted",
    },
    "PUT /api/v1/sites/custom-props": {"site_id": SITE, "property": "plan"},
    "PUT /api/v1/sites/shared-links": {"site_id": SITE, "name": "Accepted"},
    "PUT /api/v1/sites/guests": {
        "site_id": SITE,
        "email": "guest@accepted.example",
        "role": "viewer",
    },
    "PATCH /api/sites/{domain}": {"respect_dnt": True},
    "POST /api/sites/{domain}/goals": {"event": "Accepted"},
    "POST /api/sites/{domain}/segments": {
        "name": "Accepted",
        "filters": [["is", "visit:country", ["DE"]]],
    },
    "POST /api/sites/{domain}/annotations": {"date": "2026-01-31", "text": "Accepted"},
    "POST /api/tokens": {"scope": "stats", "sites": [SITE]},
}


@dataclass(frozen=True)
class Driven:
    """The server, an admin's token as a header, and a connection that is kept."""

    url: str
    headers: dict[str, str]
    session: requests.Session


@dataclass(frozen=True)
class Operation:
    """An operation of the description."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def case(self, body: Any) -> schemathesis.Case[Any]:
        """A request with this body, for the site of the test."""
        places = {"domain": SITE} if "{domain}" in self.path else {}
        return schema[self.path][self.method].Case(
            path_parameters=places, body=body, media_type="application/json"
        )

    def hold(self, test: Callable[[schemathesis.Case[Any]], None]) -> None:
        """Run a test of all that the operation may be sent."""
        operation, config = schema[self.path][self.method], schema.config
        modes = [
            mode
            for mode in HypothesisTestMode
            if config.phases_for(operation=operation).get_by_name(name=mode).enabled
        ]
        create_test(
            operation=operation,
            test_func=test,
            config=HypothesisTestConfig(
                project=config,
                modes=modes,
                settings=config.get_hypothesis_settings(
                    operation=operation, phase="fuzzing"
                ),
                explicit_settings=_drawn(60 if self.path == QUESTIONS else 10),
                seed=derive_operation_seed(config.seed, operation.label),
            ),
        )()


def _drawn(short: int) -> settings:
    return settings(
        max_examples=examples(short, long=80),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


OPERATIONS = [
    Operation(method.upper(), path)
    for path, methods in document()["paths"].items()
    for method in methods
    if method != "delete" or path not in SITE_REMOVALS
]


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driven]:
    data = tmp_path_factory.mktemp("driven") / "data"

    def page_tracker(*arguments: str) -> str:
        return command(*arguments, PAGE_TRACKER_DATA=str(data)).strip()

    page_tracker("site", "add", SITE)
    page_tracker("import", SITE, str(LOG))
    page_tracker("goal", "add", SITE, "--page", "/projects/**", "--name", "Projects")
    token = page_tracker("token", "add", "--all-sites", "--scope", "admin")
    with serving(data) as server, requests.Session() as session:
        yield Driven(server.url, {"Authorization": f"Bearer {token}"}, session)


# What it is sent is made up when its test begins: that takes seconds, and schema's own
# `parametrize` would take them in each process that only lists the tests.
@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_every_answer_conforms_to_the_description(
    operation: Operation, driven: Driven
) -> None:
    answered: Counter[int] = Counter()

    def conforms(case: schemathesis.Case[Any]) -> None:
        if "domain" in case.path_parameters:
            case.path_parameters["domain"] = SITE
        if isinstance(case.body, dict) and isinstance(case.body.get("site_id"), str):
            case.body["site_id"] = SITE
        response = case.call(
            base_url=driven.url, headers=driven.headers, session=driven.session
        )
        if case.method == operation.method:
            answered[response.status_code] += 1
        case.validate_response(response, headers=driven.headers)

    if (body := ACCEPTED.get(str(operation))) is not None:
        conforms(operation.case(body))
    operation.hold(conforms)
    if operation.method == "DELETE" or "{number}" in operation.path:
        return  # what is meant must be there: see the test below
    assert answered[200] or answered[201] or answered[202], answered


def test_what_is_made_can_be_removed_as_described(driven: Driven) -> None:
    made: list[tuple[str, str, dict[str, object]]] = [
        (f"/api/sites/{SITE}/goals", "name", {"event": "signup"}),
        (
            f"/api/sites/{SITE}/segments",
            "id",
            {"name": "Germans", "filters": [["is", "visit:country", ["DE"]]]},
        ),
        (
            f"/api/sites/{SITE}/annotations",
            "id",
            {"date": "2026-01-31", "text": "A new design"},
        ),
        ("/api/tokens", "id", {"scope": "stats", "sites": [SITE]}),
    ]
    for (path, key, body), removal in zip(made, REMOVALS, strict=True):
        added = requests.post(
            f"{driven.url}{path}",
            json=body,
            headers=driven.headers,
            timeout=ANSWER_SECONDS,
        )
        places = {"domain": SITE, removal.rpartition("{")[2][:-1]: added.json()[key]}
        case = schema[removal]["DELETE"].Case(path_parameters=places)
        gone = case.call_and_validate(base_url=driven.url, headers=driven.headers)
        assert gone.status_code == 204


@pytest.mark.parametrize(("path", "name"), SITE_REMOVALS.items())
def test_a_site_is_removed_as_described(path: str, name: str, driven: Driven) -> None:
    gone = "gone.example"
    requests.post(
        f"{driven.url}/api/sites",
        json={"domain": gone},
        headers=driven.headers,
        timeout=ANSWER_SECONDS,
    )
    case = schema[path]["DELETE"].Case(path_parameters={name: gone})
    answered = [
        case.call_and_validate(base_url=driven.url, headers=driven.headers).status_code
        for _ in range(2)
    ]
    assert answered[0] in (200, 204) and answered[1] == 404
