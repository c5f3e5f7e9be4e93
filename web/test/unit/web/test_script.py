"""The script that pages load: small, and given to any page."""

import gzip

import pytest
from flask.testing import FlaskClient

from page_tracker.app import app
from page_tracker.web.script import SCRIPT

PATH = "/js/script.js"


@pytest.fixture
def client() -> FlaskClient:
    return app.test_client()


def test_it_is_small() -> None:
    assert len(gzip.compress(SCRIPT, 9)) <= 1600


def test_any_site_may_load_it_and_keep_it_for_a_day(client: FlaskClient) -> None:
    answer = client.get(PATH)
    assert answer.status_code == 200
    assert answer.mimetype == "text/javascript"
    assert answer.data == SCRIPT
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Cache-Control"] == "public, max-age=86400"
    assert "Set-Cookie" not in answer.headers


def test_it_is_packed_for_who_can_unpack_it(client: FlaskClient) -> None:
    answer = client.get(PATH, headers={"Accept-Encoding": "gzip, br"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(answer.data) == SCRIPT


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_it_is_not_sent_again_to_who_has_it(client: FlaskClient, encoding: str) -> None:
    headers = {"Accept-Encoding": encoding}
    tag = client.get(PATH, headers=headers).headers["ETag"]
    answer = client.get(PATH, headers={**headers, "If-None-Match": tag})
    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["Cache-Control"] == "public, max-age=86400"
