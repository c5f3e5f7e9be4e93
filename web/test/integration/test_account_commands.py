"""`page-tracker account`, as a person types it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from redis import Redis

from page_tracker.cli import main
from page_tracker.people.account import with_password, with_second_factor
from page_tracker.people.one_time import Purpose
from page_tracker.people.roles import Role
from page_tracker.store.accounts import Accounts, People
from page_tracker.store.links import Links

Run = Callable[..., Result]
URL = "https://stats.example.com"


@pytest.fixture
def run(
    redis_client: Redis, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Run]:
    """Runs a command in a data folder of its own, whose Redis is `redis_url`."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("PAGE_TRACKER_DATA", str(tmp_path))
    redis_client.flushall()
    yield lambda *arguments, **options: CliRunner().invoke(main, arguments, **options)
    redis_client.flushall()


@pytest.fixture
def accounts(redis_client: Redis, tmp_path: Path) -> Accounts:
    return Accounts(People(redis_client, tmp_path))


def listed(run: Run) -> list[dict[str, Any]]:
    result = run("account", "list", "--json")
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def secret_in(result: Result) -> str:
    """The secret of the link that is alone on standard output."""
    assert result.exit_code == 0, result.output
    before, _, secret = result.stdout.partition("/welcome/")
    assert result.stdout.count("\n") == 1 and before.startswith("http")
    return secret.strip()


def test_a_link_makes_the_first_account_and_each_is_another(
    run: Run, redis_client: Redis
) -> None:
    first, second = (run("account", "link", "--url", URL) for _ in range(2))
    assert first.stdout.startswith(f"{URL}/welcome/")
    assert "works once, for 24 hours" in first.stderr
    assert secret_in(first) != secret_in(second)
    link = Links(redis_client).find(secret_in(first))
    assert link and link.purpose is Purpose.FIRST


def test_there_is_none_once_there_is_an_account(run: Run, accounts: Accounts) -> None:
    accounts.add_first("ada", lambda account: account)
    refused = run("account", "link")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "account add NAME" in refused.stderr and "reset NAME" in refused.stderr


def test_an_account_is_added_with_a_role_and_a_link(
    run: Run, redis_client: Redis, accounts: Accounts
) -> None:
    run("site", "add", "a.example")
    added = run("account", "add", "ada", "--role", "editor", "--site", "www.A.example")
    link = Links(redis_client).find(secret_in(added))
    ada = accounts.named("ada")
    assert ada and link and (link.purpose, link.account) == (Purpose.PASSWORD, ada.id)
    assert "Added ada, editor of a.example." in added.stderr
    assert listed(run)[0] | {"id": "", "created": 0} == {
        "id": "",
        "name": "ada",
        "all_sites": None,
        "sites": {"a.example": "editor"},
        "has_password": False,  # nosec B105 # whether there is one
        "second_factor": False,
        "created": 0,
    }


@pytest.mark.parametrize("reach", [(), ("--all-sites", "--site", "a.example")])
def test_a_role_is_for_some_sites_or_for_all(run: Run, reach: tuple[str, ...]) -> None:
    refused = run("account", "add", "ada", "--role", "viewer", *reach)
    assert refused.exit_code == 2
    assert "write --site DOMAIN (once or more) or --all-sites" in refused.stderr


def test_an_unknown_site_adds_nothing(run: Run) -> None:
    refused = run("account", "add", "ada", "--role", "viewer", "--site", "x.example")
    assert refused.exit_code == 1 and "no site 'x.example'" in refused.stderr
    assert not listed(run)


def test_roles_are_given_and_taken_away(run: Run, accounts: Accounts) -> None:
    accounts.add_first("ada", lambda account: account)
    run("site", "add", "a.example")
    run("account", "add", "bob", "--role", "viewer", "--all-sites")
    given = run("account", "role", "Bob", "owner", "--site", "a.example")
    assert given.stdout == (
        "bob: viewer of all sites → viewer of all sites, owner of a.example\n"
    )
    taken = run("account", "role", "bob", "none", "--all-sites")
    assert taken.stdout.endswith(" → owner of a.example\n")
    refused = run("account", "role", "ada", "viewer", "--all-sites")
    assert refused.exit_code == 1 and "last owner of all sites" in refused.stderr


def test_the_list_is_for_people(run: Run, accounts: Accounts) -> None:
    empty = run("account", "list").stdout
    assert empty == "There is no account yet: page-tracker account link\n"
    ada = accounts.add_first("ada", lambda account: with_password(account, "hash"))
    accounts.change(ada.id, lambda account: with_second_factor(account, "SECRET", "r"))
    accounts.add("bob", lambda account: account)
    lines = run("account", "list").stdout.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["NAME", "ada", "bob"]
    assert "owner of all sites" in lines[1] and "second factor" in lines[1]
    assert "no role" in lines[2] and "no password yet" in lines[2]
    told = run("account", "list", "--json").stdout
    assert "hash" not in told and "SECRET" not in told


def test_one_is_removed_once_that_was_agreed_to(run: Run, accounts: Accounts) -> None:
    accounts.add_first("ada", lambda account: account)
    accounts.add("bob", lambda account: account)
    assert run("account", "remove", "bob", input="n\n").exit_code == 1
    assert run("account", "remove", "bob", input="y\n").exit_code == 0
    assert run("account", "remove", "bob", "--yes").exit_code == 1
    assert [each["name"] for each in listed(run)] == ["ada"]
    assert run("account", "remove", "ada", "--yes").exit_code == 0


def test_a_lost_password_or_second_factor_is_reset(
    run: Run, accounts: Accounts, redis_client: Redis
) -> None:
    ada = accounts.add_first("ada", lambda account: with_password(account, "hash"))
    accounts.change(ada.id, lambda account: with_second_factor(account, "S", ["r"]))
    link = Links(redis_client).find(secret_in(run("account", "reset", "ADA")))
    assert link and (link.purpose, link.account) == (Purpose.PASSWORD, ada.id)
    assert listed(run)[0]["second_factor"]
    secret_in(run("account", "reset", "ada", "--second-factor"))
    kept = accounts.named("ada")
    assert kept and (kept.totp, kept.recovery, kept.password) == ("", (), "hash")
    assert kept.everywhere is Role.OWNER
    unknown = run("account", "reset", "eve")
    assert unknown.exit_code == 1 and "no account 'eve'" in unknown.stderr
