"""A real server, driven by what its description says: all answers conform to it.

What is drawn from the description is sent as it is, and made wrong on purpose. The site
is put in, so that most of it gets as far as an answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import requests

from page_tracker.web.openapi.document import document
from page_tracker.web.openapi.schemas import SITE
from support.importing import LOG
from support.pace import ANSWER_SECONDS
from support.processes import command, serving

if TYPE_CHECKING:
    from schemathesis import Case

    from support.described_api import DescribedApi

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
    """The server and its description, an admin's token as a header, and a connection
    that is kept."""

    api: DescribedApi
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


OPERATIONS = [
    Operation(method.upper(), path)
    for path, methods in document()["paths"].items()
    for method in methods
    if method != "delete" or path not in SITE_REMOVALS
]


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driven]:
    # What draws from it takes a second, in each process that lists the tests.
    # pylint: disable-next=import-outside-toplevel # loaded where it is used
    from support.described_api import DescribedApi

    data = tmp_path_factory.mktemp("driven") / "data"

    def page_tracker(*arguments: str) -> str:
        return command(*arguments, PAGE_TRACKER_DATA=str(data)).strip()

    page_tracker("site", "add", SITE)
    page_tracker("import", SITE, str(LOG))
    page_tracker("goal", "add", SITE, "--page", "/projects/**", "--name", "Projects")
    token = page_tracker("token", "add", "--all-sites", "--scope", "admin")
    with serving(data) as server, requests.Session() as session:
        header = {"Authorization": f"Bearer {token}"}
        yield Driven(DescribedApi(), server.url, header, session)


# What it is sent is made up when its test begins: that takes seconds, and schemathesis'
# own `parametrize` would take them in each process that only lists the tests.
@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_every_answer_conforms_to_the_description(
    operation: Operation, driven: Driven
) -> None:
    answered: Counter[int] = Counter()

    def conforms(case: Case[Any]) -> None:
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
        conforms(driven.api.case(operation.method, operation.path, body))
    driven.api.hold(operation.method, operation.path, conforms)
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
        case = driven.api.removal(removal, places)
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
    case = driven.api.removal(path, {name: gone})
    answered = [
        case.call_and_validate(base_url=driven.url, headers=driven.headers).status_code
        for _ in range(2)
    ]
    assert answered[0] in (200, 204) and answered[1] == 404
