"""The scripts that pages load: small, and given to any page."""

import gzip
from itertools import combinations

import pytest
from flask.testing import FlaskClient

from page_tracker.app import app
from page_tracker.web.script import composed
from page_tracker.web.script_names import BY_PATH, WORDS, Asked, asked_for

PATH = "/js/script.js"
OURS = composed(Asked("script"), None)
# Bytes of plausible.js in the npm package @plausible-analytics/tracker 0.4.6, as it is
# and by gzip -9: what a site's own script of Plausible (`pa-….js`) is made of.
PLAUSIBLE, PLAUSIBLE_GZIP = 6_434, 2_681
# Bytes of GoatCounter's count.js (public/count.js in its repository), which it serves
# as it is written.
GOATCOUNTER_S = 6_669
# Bytes of src/tracker/index.js in the npm package umami 2.10.0, minified as ours are,
# as it is and by gzip -9. Later versions do more.
UMAMI, UMAMI_GZIP = 2_371, 1_338
# Bytes of Matomo's matomo.js as it is served (matomo.js in its repository).
MATOMO = 63_804


@pytest.fixture
def client() -> FlaskClient:
    return app.test_client()


def test_ours_is_small() -> None:
    assert len(OURS.gzip) <= 1_690


def test_what_is_served_for_plausible_s_is_not_larger_than_that() -> None:
    names = ["pa-AbC123", *(f"script.{'.'.join(words)}" for words in _all_words())]
    for name in names:
        asked = asked_for(name)
        assert asked is not None
        script = composed(asked, "example.org")
        assert len(script.plain) < PLAUSIBLE, name
        assert len(script.gzip) < PLAUSIBLE_GZIP, name


def test_what_is_served_for_goatcounter_s_is_not_larger_than_that() -> None:
    assert len(composed(BY_PATH["/count.js"], None).plain) < GOATCOUNTER_S


def test_what_is_served_for_umami_s_is_not_larger_than_that() -> None:
    script = composed(BY_PATH["/script.js"], None)
    assert len(script.plain) < UMAMI
    assert len(script.gzip) < UMAMI_GZIP


def test_what_is_served_for_matomo_s_is_not_larger_than_that() -> None:
    assert len(composed(BY_PATH["/matomo.js"], None).plain) < MATOMO


def _all_words() -> list[tuple[str, ...]]:
    return [words for number in (1, 2) for words in combinations(sorted(WORDS), number)]


@pytest.mark.parametrize(
    ("path", "age"),
    [(PATH, 86_400), ("/js/plausible.hash.js", 86_400), ("/count.js", 86_400)],
)
def test_any_site_may_load_it_and_keep_it_for_a_day(
    client: FlaskClient, path: str, age: int
) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == f"public, max-age={age}"
    assert "Set-Cookie" not in answer.headers


def test_it_is_packed_for_who_can_unpack_it(client: FlaskClient) -> None:
    answer = client.get(PATH, headers={"Accept-Encoding": "gzip, br"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(answer.data) == OURS.plain == client.get(PATH).data


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_it_is_not_sent_again_to_who_has_it(client: FlaskClient, encoding: str) -> None:
    headers = {"Accept-Encoding": encoding}
    tag = client.get(PATH, headers=headers).headers["ETag"]
    answer = client.get(PATH, headers={**headers, "If-None-Match": tag})
    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["Cache-Control"] == "public, max-age=86400"


def test_an_unknown_name_is_a_script_that_says_so(client: FlaskClient) -> None:
    answer = client.get("/js/script.foo.js")
    assert (answer.status_code, answer.mimetype) == (200, "text/javascript")
    assert answer.text.startswith('console.error("Page Tracker has no script')
    assert "/js/script.foo.js" in answer.text


def test_a_script_is_told_the_words_of_its_name_and_the_site() -> None:
    script = composed(Asked("plausible.called", "a.b"), "example.org").plain
    assert b'["a.b","example.org"]' in script
    assert b"ASKED" not in script
    assert b'["",null]' in composed(Asked("plausible"), None).plain
