"""How pages are answered."""

import pytest
from flask import Response

from page_tracker.app import create_app
from page_tracker.web.pages.render import problem


@pytest.fixture
def policy() -> dict[str, str]:
    """The content security policy of a page, as the application sends it."""
    flask = create_app()

    @flask.get("/shown")
    def shown() -> Response:
        return problem(404, "No such <page>", "There is none.", "Go back.")

    answer = flask.test_client().get("/shown")
    assert answer.status_code == 404
    assert "No such &lt;page&gt;" in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    parts = answer.headers["Content-Security-Policy"].split("; ")
    return dict(part.split(" ", 1) for part in parts)


def test_a_page_loads_nothing_but_our_files_and_no_script_of_its_own(
    policy: dict[str, str],
) -> None:
    assert policy.pop("default-src") == "'none'"
    assert policy.pop("frame-ancestors") == "'none'"
    assert policy.pop("base-uri") == "'none'"
    assert set(policy.values()) == {"'self'"}
    assert {"script-src", "style-src", "form-action"} <= policy.keys()
