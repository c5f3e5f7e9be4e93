"""Accounts in a real Redis, and their mirror in a real folder."""

import stat
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from redis import Redis

from page_tracker.errors import (
    AccountExistsError,
    LastOwnerError,
    LinkError,
    MirrorError,
    UnknownAccountError,
)
from page_tracker.people.account import Account, with_password, with_role
from page_tracker.people.roles import Role
from page_tracker.store import registry as registry_module
from page_tracker.store.accounts import ACCOUNTS_KEY, Accounts, People, found_named
from page_tracker.store.registry import Registry
from page_tracker.store.sites import Sites


def as_it_is(account: Account) -> Account:
    return account


def viewer(account: Account) -> Account:
    return with_role(account, Role.VIEWER, ["a.example"])


@pytest.fixture
def redis(redis_client: Redis) -> Iterator[Redis]:
    redis_client.flushall()
    yield redis_client
    redis_client.flushall()


@pytest.fixture
def accounts(redis: Redis, tmp_path: Path) -> Accounts:
    return Accounts(People(redis, tmp_path))


def test_an_account_is_kept_and_found_however_its_name_is_written(
    accounts: Accounts,
) -> None:
    ada = accounts.add("Ada@example.com", viewer)
    assert accounts.named(" ADA@example.com") == accounts.get(ada.id) == ada
    assert accounts.known(ada.id) == ada
    assert abs(ada.created - time.time()) < 60
    assert accounts.named("bob") is None and accounts.known("bob") is None


def test_a_name_is_one_account_s(accounts: Accounts) -> None:
    accounts.add("Ada", as_it_is)
    with pytest.raises(AccountExistsError, match="belongs to an account already"):
        accounts.add("aDA ", as_it_is)
    assert len(accounts.all()) == 1


def test_the_first_account_is_made_once(accounts: Accounts) -> None:
    assert accounts.are_none()
    first = accounts.add_first("ada", as_it_is)
    assert first.everywhere is Role.OWNER
    with pytest.raises(LinkError, match="made already"):
        accounts.add_first("eve", as_it_is)
    assert [each.name for each in accounts.all()] == ["ada"]
    assert not accounts.are_none()


def test_of_many_who_claim_the_first_account_at_once_one_gets_it(
    redis: Redis, tmp_path: Path
) -> None:
    def claim(number: int) -> bool:
        try:
            Accounts(People(redis, tmp_path)).add_first(f"p{number}", as_it_is)
            return True
        except LinkError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(8))) == 1
    assert len(Accounts(People(redis, tmp_path)).all()) == 1


def test_the_last_owner_is_neither_removed_nor_made_less(accounts: Accounts) -> None:
    ada = accounts.add_first("ada", as_it_is)
    bob = accounts.add("bob", viewer)
    with pytest.raises(LastOwnerError):
        accounts.remove(ada.id)
    with pytest.raises(LastOwnerError):
        accounts.change(ada.id, lambda account: with_role(account, None, None))
    accounts.change(bob.id, lambda account: with_role(account, Role.OWNER, None))
    assert accounts.remove(ada.id) == ada
    with pytest.raises(UnknownAccountError):
        accounts.remove(ada.id)


def test_an_emptied_redis_costs_no_account(redis: Redis, tmp_path: Path) -> None:
    ada = Accounts(People(redis, tmp_path)).add_first(
        "ada", lambda account: with_password(account, "hash")
    )
    redis.flushall()
    for _ in range(2):
        assert Accounts(People(redis, tmp_path)).named("ada") == ada
        redis.flushall()
        assert Accounts(People(redis, tmp_path)).known(ada.id) == ada
        redis.flushall()
        assert Accounts(People(redis, tmp_path)).all() == [ada]
        redis.flushall()
    with pytest.raises(LinkError):
        Accounts(People(redis, tmp_path)).add_first("eve", as_it_is)


def test_an_emptied_redis_is_noticed_by_whoever_runs(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "LOOK_SECONDS", 0.0)
    accounts = Accounts(People(redis, tmp_path))
    ada = accounts.add_first("ada", as_it_is)
    assert accounts.known(ada.id)
    redis.flushall()
    assert accounts.known(ada.id) == ada and not accounts.are_none()
    assert redis.exists(ACCOUNTS_KEY)


def test_the_mirror_is_private_and_has_what_redis_has(
    accounts: Accounts, tmp_path: Path
) -> None:
    ada = accounts.add_first("ada", as_it_is)
    path = tmp_path / "people.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert msgspec.json.decode(path.read_bytes())["accounts"][0]["id"] == ada.id


def test_sites_and_tokens_are_mirrored_elsewhere(redis: Redis, tmp_path: Path) -> None:
    """So an older Page Tracker, which knows no accounts, cannot lose them."""
    Accounts(People(redis, tmp_path)).add_first("ada", as_it_is)
    before = (tmp_path / "people.json").read_bytes()
    Sites(Registry(redis, tmp_path)).add("a.example", {})
    assert (tmp_path / "people.json").read_bytes() == before
    assert b"ada" not in (tmp_path / "mirror.json").read_bytes()


def test_a_mirror_that_cannot_be_written_is_told(
    accounts: Accounts, tmp_path: Path
) -> None:
    (tmp_path / "people.json").mkdir()
    with pytest.raises(MirrorError, match="people.json"):
        accounts.add("ada", as_it_is)


def test_roles_for_a_site_go_with_it(accounts: Accounts) -> None:
    bob = accounts.add("bob", viewer)
    accounts.forget_site("b.example")
    assert accounts.get(bob.id) == bob
    accounts.forget_site("a.example")
    assert accounts.all()[0].roles == {}


@pytest.mark.parametrize(
    ("name", "remedy"), [("adda", "write ada"), ("zzz", "list has those")]
)
def test_an_unknown_account_is_named(
    accounts: Accounts, name: str, remedy: str
) -> None:
    with pytest.raises(UnknownAccountError, match="account link"):
        found_named(accounts.all(), name)
    accounts.add("ada", as_it_is)
    with pytest.raises(UnknownAccountError, match=remedy):
        found_named(accounts.all(), name)


def test_what_another_process_has_just_made_is_known_now(
    redis: Redis, tmp_path: Path
) -> None:
    mine, others = (Accounts(People(redis, tmp_path)) for _ in range(2))
    assert mine.are_none()
    ada = others.add_first("ada", as_it_is)
    assert mine.known_now(ada.id) == ada
