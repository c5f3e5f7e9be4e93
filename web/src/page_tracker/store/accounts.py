"""Accounts as Redis keeps them, and `people.json`, their mirror beside the lake."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from redis import Redis

from page_tracker.errors import AccountExistsError, LinkError, UnknownAccountError
from page_tracker.people.account import (
    Account,
    ById,
    found_by_name,
    new_account,
    require_an_owner,
    same_name,
    with_role,
)
from page_tracker.people.roles import Role
from page_tracker.store.mirror_files import Mirror, MirroredPeople
from page_tracker.store.registry import Kept, Shelf, Snapshot, Watched

ACCOUNTS_KEY = "pt:accounts"

Change = Callable[[Account], Account]


class People(Kept):
    """All accounts, and `people.json` in the data folder."""

    def __init__(self, redis: Redis, folder: Path) -> None:
        self.accounts = Shelf(redis, ACCOUNTS_KEY, Account)
        mirror = Mirror(folder / "people.json", MirroredPeople())
        super().__init__(redis, self.accounts, mirror)

    def _fill(self) -> bool:
        mirrored = self.mirror.read().accounts
        found = {account.id: account for account in mirrored}
        return bool(found) and self.accounts.swap(Snapshot(), found)

    def _write_mirror(self) -> None:
        kept = self.accounts.read()
        if kept.version is not None:
            ordered = tuple(kept.entries[i] for i in sorted(kept.entries))
            self.mirror.write(MirroredPeople(accounts=ordered))


class Accounts:
    """All accounts of a store; calls that reach Redis may raise RedisError."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._watched: Watched[Account, ById] = Watched(
            people, people.accounts, lambda entries: entries
        )

    def known(self, account_id: str) -> Account | None:
        """An account, as of a second ago at most: for every request.

        While Redis is away, as last seen.
        """
        return self._watched.get().get(account_id)

    def known_now(self, account_id: str) -> Account | None:
        """An account as it is now; while Redis is away, as last seen."""
        return self._watched.look().get(account_id)

    def mirrored(self, account_id: str) -> Account | None:
        """An account as the mirror has it: every change, while Redis is away.

        Raises MirrorError.
        """
        there = self._people.mirror.read().accounts
        return next((each for each in there if each.id == account_id), None)

    def are_none(self) -> bool:
        """Whether there are no accounts."""
        return not self._watched.look()

    def all(self) -> list[Account]:
        """All accounts as they are now, by their names."""
        self._restore_lost()
        found = self._people.accounts.read().entries.values()
        return sorted(found, key=lambda account: (same_name(account.name), account.id))

    def get(self, account_id: str) -> Account | None:
        return self._people.accounts.read().entries.get(account_id)

    def named(self, name: str) -> Account | None:
        """The account of this name, as it is now."""
        self._restore_lost()
        return found_by_name(self._people.accounts.read().entries.values(), name)

    def add(self, name: Any, decide: Change) -> Account:
        """Make an account; `decide` gives it roles and a password.

        Raises AccountError, AccountExistsError, MirrorError, and what `decide` does.
        """
        account = decide(new_account(name, int(time.time())))
        self._change(lambda accounts: _with_new(accounts, account))
        return account

    def add_first(self, name: Any, decide: Change) -> Account:
        """Make the first account, an owner of all sites.

        Raises what `add` does, and LinkError where somebody was faster.
        """
        account = decide(new_account(name, int(time.time())))
        account = with_role(account, Role.OWNER, None)

        def put(accounts: ById) -> ById:
            if accounts:
                raise LinkError(
                    "the first account has been made already", "sign in with it"
                )
            return {account.id: account}

        self._change(put)
        return account

    def change(self, account_id: str, decide: Change) -> Account:
        """Replace an account by what `decide` makes of it.

        Raises UnknownAccountError, LastOwnerError, MirrorError, and what `decide` does.
        """
        changed: list[Account] = []

        def put(accounts: ById) -> ById:
            changed[:] = [decide(_found(accounts, account_id))]
            return {**accounts, account_id: changed[0]}

        self._change(put)
        return changed[0]

    def remove(self, account_id: str) -> Account:
        """Take an account away. Raises UnknownAccountError, LastOwnerError."""
        removed: list[Account] = []

        def put(accounts: ById) -> ById:
            removed[:] = [_found(accounts, account_id)]
            return {i: each for i, each in accounts.items() if i != account_id}

        self._change(put)
        return removed[0]

    def forget_site(self, site: str) -> None:
        """Take a site's roles away: another of its name may be added later."""

        def put(accounts: ById) -> ById:
            return {i: with_role(each, None, [site]) for i, each in accounts.items()}

        if any(site in account.roles for account in self.all()):
            self._change(put)

    def _change(self, decide: Callable[[ById], ById]) -> None:
        def put(accounts: Mapping[str, Account]) -> Mapping[str, Account]:
            after = decide(accounts)
            require_an_owner(accounts, after)
            return after

        self._people.change(self._people.accounts, put)

    def _restore_lost(self) -> None:
        if self._people.is_emptied():
            self._people.synchronise()


def found_named(accounts: Iterable[Account], name: str) -> Account:
    """The account of this name. Raises UnknownAccountError."""
    known = list(accounts)
    if found := found_by_name(known, name):
        return found
    names = [account.name for account in known]
    near = get_close_matches(name, names, n=1)
    if near:
        remedy = f"write {near[0]} if you mean that, or see page-tracker account list"
    elif names:
        remedy = "page-tracker account list has those that there are"
    else:
        remedy = "there is none yet: page-tracker account link"
    raise UnknownAccountError(f"there is no account {name!r}", remedy)


def account_as_json(account: Account) -> dict[str, Any]:
    """What may be shown of an account: no hash and no secret."""
    return {
        "id": account.id,
        "name": account.name,
        "all_sites": account.everywhere,
        "sites": dict(account.roles),
        "has_password": bool(account.password),
        "second_factor": bool(account.totp),
        "created": account.created,
    }


def _found(accounts: ById, account_id: str) -> Account:
    if account_id not in accounts:
        raise UnknownAccountError(
            "this account is gone", "see the list of accounts for those that there are"
        )
    return accounts[account_id]


def _with_new(accounts: ById, account: Account) -> ById:
    if found_by_name(accounts.values(), account.name):
        raise AccountExistsError(
            f"the name {account.name!r} belongs to an account already",
            "take another one",
        )
    return {**accounts, account.id: account}
