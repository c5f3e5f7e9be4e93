"""`page-tracker site` and `page-tracker token`, as a person types them."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from redis import Redis

from page_tracker.cli import main
from page_tracker.sites.settings import SETTINGS
from page_tracker.store.annotations import ANNOTATIONS_KEY
from page_tracker.store.registry import SITES_KEY, TOKENS_KEY

Run = Callable[..., Result]


@pytest.fixture
def run(
    redis_client: Redis, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Run]:
    """Runs a command in a data folder of its own, whose Redis is `redis_url`."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("PAGE_TRACKER_DATA", str(tmp_path))
    redis_client.delete(SITES_KEY, TOKENS_KEY, ANNOTATIONS_KEY)
    yield lambda *arguments: CliRunner().invoke(main, arguments)
    redis_client.delete(SITES_KEY, TOKENS_KEY, ANNOTATIONS_KEY)


def said_json(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_adding_a_site_prints_the_line_to_paste_and_where_its_page_is(run: Run) -> None:
    added = run("site", "add", "www.Example.com", "--url", "https://stats.example.com/")
    assert added.exit_code == 0
    assert (
        '<script defer data-domain="example.com"'
        ' src="https://stats.example.com/js/script.js"></script>'
    ) in added.stdout
    assert "https://stats.example.com/sites/example.com\n" in added.stdout


def test_without_a_public_address_the_line_says_so(run: Run) -> None:
    added = run("site", "add", "example.com")
    assert 'src="http://127.0.0.1:8000/js/script.js"' in added.stdout
    assert "PAGE_TRACKER_URL" in added.stdout


def test_every_setting_is_an_option(run: Run) -> None:
    helped = run("site", "add", "--help").output
    for name in SETTINGS:
        assert f"--{name.replace('_', '-')} " in helped


def test_settings_are_given_shown_and_changed(run: Run) -> None:
    run("site", "add", "a.example", "--timezone", "Asia/Tokyo", "--max-pages", "7")
    changed = run("site", "set", "a.example", "--own-addresses", "192.0.2.1,10.0.0.0/8")
    assert "own_addresses: (none) → 192.0.2.1, 10.0.0.0/8" in changed.stdout
    shown = said_json(run("site", "show", "a.example", "--json"))
    assert shown["timezone"] == "Asia/Tokyo"
    assert shown["max_pages"] == 7
    assert shown["own_addresses"] == ["192.0.2.1", "10.0.0.0/8"]
    assert "192.0.2.1, 10.0.0.0/8" in run("site", "show", "a.example").stdout
    run("site", "set", "a.example", "--own-addresses", "")
    assert said_json(run("site", "show", "a.example", "--json"))["own_addresses"] == []


def test_a_bot_is_let_in_and_left_out_again(run: Run) -> None:
    run("site", "add", "a.example")
    told = run("site", "let-in", "a.example", "bot", "AI crawler: GPTBot").stdout
    assert told == "a.example counts from now on: bot GPTBot.\n"
    shown = run("site", "show", "a.example").stdout
    assert re.search("bot +GPTBot +command line +20", shown)
    (let_in,) = said_json(run("site", "show", "a.example", "--json"))["let_in"]
    assert (let_in["name"], let_in["by"]) == ("GPTBot", "command line")
    told = run("site", "leave-out", "a.example", "bot", "GPTBot").stdout
    assert told == "a.example leaves out from now on: bot GPTBot.\n"
    assert "LET IN" not in run("site", "show", "a.example").stdout
    again = run("site", "leave-out", "a.example", "bot", "GPTBot")
    assert "'GPTBot' is not among them; there is none" in again.stderr


def test_an_annotation_is_written_listed_and_removed(run: Run) -> None:
    run("site", "add", "a.example")
    assert "There is none yet" in run("annotation", "list", "a.example").stdout
    when = ("--date", "2026-03-01", "--time", "14:30")
    told = run("annotation", "add", "a.example", "a new shop", *when).stdout
    assert told == "a.example has the annotation 1, of 2026-03-01 14:30.\n"
    listed = run("annotation", "list", "a.example").stdout
    assert re.search("1 +2026-03-01 +14:30 +command line +a new shop", listed)
    run("annotation", "add", "a.example", "today")
    _, today = said_json(run("annotation", "list", "a.example", "--json"))
    assert today["date"] > "2026-03-01"
    run("annotation", "remove", "a.example", "1")
    refused = run("annotation", "remove", "a.example", "1")
    assert "there is no annotation 1" in refused.stderr


def test_a_change_of_zone_says_when_it_holds(run: Run) -> None:
    run("site", "add", "a.example")
    changed = run("site", "set", "a.example", "--timezone", "Asia/Tokyo").stdout
    assert "timezone: Asia/Tokyo from " in changed
    assert "until then UTC" in changed
    assert "until then UTC" in run("site", "show", "a.example").stdout


def test_sites_are_listed_for_people_and_programs(run: Run) -> None:
    assert "page-tracker site add" in run("site", "list").stdout
    assert said_json(run("site", "list", "--json")) == []
    run("site", "add", "b.example")
    run("site", "add", "a.example", "--hostnames", "shop.example")
    lines = run("site", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["DOMAIN", "a.example", "b.example"]
    assert lines[1].endswith("shop.example")
    listed = said_json(run("site", "list", "--json"))
    assert [site["domain"] for site in listed] == ["a.example", "b.example"]


@pytest.mark.parametrize(
    ("arguments", "told", "status"),
    [
        ("add example.com/blog", "domain: 'example.com/blog' is more than", 2),
        ("add a.example --timezone Berlin", "not a time zone; write Europe/Berlin", 2),
        ("add known.example", "site show known.example has its line", 2),
        ("show knwon.example", "no site 'knwon.example' in /", 1),
        ("set known.example", "there is nothing to set", 2),
        ("set known.example --max-pages 0", "write 1 to 1000000", 2),
    ],
)
def test_a_mistake_is_told_in_one_line(
    run: Run, arguments: str, told: str, status: int
) -> None:
    run("site", "add", "known.example")
    refused = run("site", *arguments.split())
    assert refused.exit_code == status
    assert told in refused.stderr
    assert refused.stderr.count("\n") == 1 and refused.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "told", "status"),
    [
        ("delete knwon.example", "write known.example if you mean that", 1),
        ("delete known.example --path about", "it begins with /, like /about", 2),
        ("delete known.example --lake {file}", "the lake failed", 1),
        ("upkeep --lake {file}", "the lake failed", 1),
        ("site remove known.example --lake {file}", "the lake failed", 1),
    ],
)
def test_a_deletion_or_upkeep_that_cannot_be_is_told_in_one_line(
    run: Run, tmp_path: Path, arguments: str, told: str, status: int
) -> None:
    file = tmp_path / "file"
    file.touch()
    run("site", "add", "known.example")
    refused = run(*arguments.format(file=file).split())
    assert refused.exit_code == status, refused.exception
    assert told in refused.stderr
    assert refused.stderr.count("\n") == 1 and refused.stdout == ""


def test_hits_are_deleted_of_a_site_however_it_is_written(run: Run) -> None:
    run("site", "add", "known.example")
    said = run("delete", "WWW.Known.example", "--dry-run")
    assert said.exit_code == 0
    assert said.stdout == "There are no hits of known.example.\n"


def test_a_token_alone_is_on_standard_output(run: Run) -> None:
    run("site", "add", "a.example")
    made = run(
        "token", "add", "--site", "a.example", "--scope", "stats", "--name", "me"
    )
    assert made.exit_code == 0
    assert made.stdout.startswith("pt_") and made.stdout.count("\n") == 1
    assert "shown this once" in made.stderr and made.stdout.strip() not in made.stderr
    (listed,) = said_json(run("token", "list", "--json"))
    assert (listed["scope"], listed["sites"], listed["name"]) == (
        "stats",
        ["a.example"],
        "me",
    )
    assert listed["id"] in run("token", "list").stdout
    assert "stats of a.example" in run("token", "remove", listed["id"]).stdout
    assert said_json(run("token", "list", "--json")) == []
    assert run("token", "remove", listed["id"]).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("--scope stats", "--all-sites"),
        ("--scope stats --all-sites --site a.example", "--all-sites"),
        ("--scope stats --site b.example", "no site 'b.example'"),
        ("--scope stats --all-sites --days 0", "write 1 to"),
        ("--scope root --all-sites", "is not one of 'stats', "),
    ],
)
def test_a_token_that_means_nothing_is_not_made(
    run: Run, arguments: str, told: str
) -> None:
    refused = run("token", "add", *arguments.split())
    assert refused.exit_code != 0
    assert told in refused.stderr and refused.stdout == ""


def test_without_redis_a_command_says_so(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:secret@127.0.0.1:1")
    refused = run("site", "list")
    assert refused.exit_code == 1
    assert "Redis at redis://127.0.0.1:1 failed" in refused.stderr
    assert "secret" not in refused.output
