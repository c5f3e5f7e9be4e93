"""What the server's description lets one send, drawn and made wrong by schemathesis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

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


class DescribedApi:
    """The operations of the description, by method and path."""

    def __init__(self) -> None:
        self._schema = schemathesis.openapi.from_dict(
            document(), config=schemathesis.Config.from_dict(CONFIG)
        )

    def case(self, method: str, path: str, body: Any) -> schemathesis.Case[Any]:
        """A request with this body, for the site of the test."""
        places = {"domain": SITE} if "{domain}" in path else {}
        return self._schema[path][method].Case(
            path_parameters=places, body=body, media_type="application/json"
        )

    def removal(self, path: str, places: Mapping[str, Any]) -> schemathesis.Case[Any]:
        """The DELETE of what is at these places of the path."""
        return self._schema[path]["DELETE"].Case(path_parameters=dict(places))

    def hold(
        self, method: str, path: str, test: Callable[[schemathesis.Case[Any]], None]
    ) -> None:
        """Run a test of all that the operation may be sent."""
        operation, config = self._schema[path][method], self._schema.config
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
                explicit_settings=_drawn(60 if path == QUESTIONS else 10),
                seed=derive_operation_seed(config.seed, operation.label),
            ),
        )()


def _drawn(short: int) -> settings:
    return settings(
        max_examples=examples(short, long=80),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
