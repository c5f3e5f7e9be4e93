"""Nothing is destroyed without a word: how much goes is said, and asked, before."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from redis import Redis

from page_tracker import app as app_module
from page_tracker.app import create_app
from page_tracker.cli import main
from page_tracker.lake.table import Lake, append, position
from page_tracker.schema import HITS
from page_tracker.store.stream import Stream
from page_tracker.writer.writer import Writer
from support.application import application
from support.hits import row, send

SITE = "example.com"
TODAY = int(time.time() // 86_400)
OLD = (TODAY - 300, TODAY - 200, TODAY - 200)
FIRST, LAST = (date.fromordinal(719_163 + day) for day in (OLD[0], OLD[-1]))

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def rows() -> list[tuple[object, ...]]:
    """Three hits older than a hundred days, and one of a day ago."""
    return [row(f"/{n}", day, n) for n, day in enumerate((*OLD, TODAY - 1), start=1)]


@pytest.fixture
def run(
    redis_url: str, tmp_path: Path, rows: list[tuple[object, ...]]
) -> Iterator[Run]:
    """Runs a command where the site has these hits; `answer` is what is typed."""
    with Redis.from_url(redis_url) as client:
        client.flushall()
    with application(redis_url, tmp_path):
        app_module.sites().add(SITE, {})
        lake = Lake(str(tmp_path / "lake"))
        table = lake.snapshot("hits")
        append(table, HITS, rows, "test", position(table, "test") + 1)
        yield lambda *words, answer=None: CliRunner().invoke(main, words, answer)


def retention(run: Run) -> object:
    return json.loads(run("site", "show", SITE, "--json").stdout)["retention_days"]


def test_retention_says_what_it_would_delete_and_asks(run: Run) -> None:
    refused = run("site", "set", SITE, "--retention-days", "100", answer="n\n")

    assert refused.exit_code == 1
    assert f"3 hits of {FIRST} to {LAST} are older than 100 days" in refused.stderr
    assert "within a minute" in refused.stderr
    assert "nothing was changed" in refused.stderr
    assert retention(run) is None
    agreed = run("site", "set", SITE, "--retention-days", "100", answer="y\n")
    assert agreed.exit_code == 0
    assert retention(run) == 100


def test_a_script_says_yes_before_and_one_that_does_not_is_refused(run: Run) -> None:
    refused = run("site", "set", SITE, "--retention-days", "100")

    assert refused.exit_code == 1
    assert "nobody said yes" in refused.stderr
    assert retention(run) is None
    assert run("site", "set", SITE, "--retention-days", "100", "--yes").exit_code == 0
    assert retention(run) == 100


@pytest.mark.parametrize("words", ["--retention-days 1000", "--max-pages 7"])
def test_what_deletes_nothing_is_not_asked_about(run: Run, words: str) -> None:
    assert run("site", "set", SITE, *words.split()).exit_code == 0


def test_a_site_that_is_added_to_hits_that_are_there_is_asked_about_too(
    run: Run,
) -> None:
    app_module.sites().remove(SITE)

    refused = run("site", "add", SITE, "--retention-days", "100")

    assert "3 hits of" in refused.stderr
    assert run("site", "list", "--json").stdout == "[]\n"


@pytest.mark.parametrize("method", ["PATCH", "POST"])
def test_over_http_the_number_of_hits_is_to_be_repeated(run: Run, method: str) -> None:
    assert run("site", "show", SITE).exit_code == 0
    token = app_module.tokens().add("admin", None)[1]
    path, body = f"/api/sites/{SITE}", {"retention_days": "100"}
    if method == "POST":
        app_module.sites().remove(SITE)
        path, body = "/api/sites", {"retention_days": "100", "domain": SITE}

    def ask(**more: object) -> tuple[int, dict[str, object]]:
        answer = (
            create_app()
            .test_client()
            .open(
                path,
                method=method,
                json={**body, **more},
                headers={"Authorization": f"Bearer {token}"},
            )
        )
        return answer.status_code, answer.get_json()

    for wrong in (True, "3", 0, None):
        status, refused = ask(delete_hits=wrong)
        assert status == 400 and "delete_hits" in str(refused["error"])
    for other in ({}, {"delete_hits": 2}):
        status, refused = ask(**other)
        assert status == 409
        assert "3 hits of" in str(refused["error"])
        assert refused["delete_hits"] == 3
        assert (refused["first_day"], refused["last_day"]) == (str(FIRST), str(LAST))
        found = app_module.sites().directory().resolve(SITE)
        assert found is None or found.retention_days is None
    status, site = ask(delete_hits=3)
    assert status in (200, 201) and site["retention_days"] == 100


def test_a_deletion_names_what_it_deletes(run: Run) -> None:
    said = run("delete", SITE, "--path", "/1", "--from", str(FIRST), answer="n\n")

    assert f"1 hit of {SITE}, page /1, from {FIRST} in the lake" in said.stdout
    assert said.exit_code == 1
    assert "4 hits of" in run("delete", SITE, "--dry-run").stdout


def test_a_deletion_of_nothing_does_not_ask(run: Run) -> None:
    said = run("delete", SITE, "--path", "/nobody-was-here")

    assert said.exit_code == 0, said.stderr
    assert f"There are no hits of {SITE}, page /nobody-was-here." in said.stdout


def test_a_deletion_tells_of_what_did_not_count_and_of_what_waits(
    run: Run, redis_url: str, tmp_path: Path
) -> None:
    with Redis.from_url(redis_url) as client:
        send(client, "/new", drops=2)
        assert "wait for the lake" in run("delete", SITE, "--dry-run").stdout
        Writer(Stream(client), Lake(str(tmp_path / "lake"))).round()

    told = run("delete", SITE, "--from", str(date.today()), "--dry-run").stdout
    assert "the record of 2 hits that did not count" in told


def test_a_goal_that_goes_is_told_whole(run: Run) -> None:
    run("goal", "add", SITE, "--event", "signup", "--prop", "plan=pro")
    replaced = run("goal", "add", SITE, "--event", "signup", "--currency", "EUR")
    assert "in place of: event signup, plan=pro" in replaced.stdout
    removed = run("goal", "remove", SITE, "signup")
    assert "event signup, revenue in EUR" in removed.stdout


def test_taking_an_import_out_says_how_much_it_has_and_asks(
    run: Run, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"
    log.write_text(
        '192.0.2.1 - - [10/Oct/2024:13:55:36 +0000] "GET /a HTTP/1.1" 200 9 "-"'
        ' "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"\n'
    )
    imported = run("import", SITE, str(log))
    assert imported.exit_code == 0, imported.stderr

    refused = run("import", "--undo", "1")

    assert f"{SITE}: 1 page view of 2024-10-10 would go" in refused.stderr
    assert refused.exit_code == 1
    assert "done" in run("import", "--list").stdout
    assert "1 page view went" in run("import", "--undo", "1", "--yes").stdout
