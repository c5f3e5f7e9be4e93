"""Passwords and second factors as people enter them: few guesses, and no hints.

An unknown name costs the same time as a wrong password. Guesses are counted by address
and by name (by account, for codes), in all web processes together.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from redis import Redis

from page_tracker.people import recovery_codes, totp
from page_tracker.people.account import Account, same_name
from page_tracker.people.passwords import LONGEST, as_hashed
from page_tracker.store.accounts import Accounts
from page_tracker.store.codes import UsedCodes
from page_tracker.web.guesses import Guesses
from page_tracker.web.pages.password_hashing import Hashing


class Wrong(Exception):
    """The name, the password or the code is wrong; which one is not revealed."""


class TooManyGuesses(Exception):
    """Too many wrong guesses; the seconds until another is allowed."""

    def __init__(self, wait: int) -> None:
        super().__init__(wait)
        self.wait = wait


class Limits(msgspec.Struct, frozen=True):
    """Wrong guesses from an address, for a name, and of a second factor's codes."""

    address: Guesses
    name: Guesses
    code: Guesses

    @classmethod
    def in_store(cls, redis: Callable[[], Redis]) -> Limits:
        """Ten from an address in a minute; 100 for a name, for which anybody may guess,
        in an hour; five codes in five minutes."""
        return cls(
            Guesses(redis, "sign-in:", 10, 60),
            Guesses(redis, "name:", 100, 60 * 60),
            Guesses(redis, "code:", 5, 5 * 60),
        )


class Checking(msgspec.Struct, frozen=True):
    """Checks what people sign in with; every method may raise redis.RedisError."""

    accounts: Callable[[], Accounts]
    hashing: Hashing
    limits: Limits
    used: Callable[[], UsedCodes]
    # The address that the request comes from.
    address: Callable[[], str]

    def password(self, name: str, password: str) -> Account:
        """The account with this name and password.

        Raises Wrong, TooManyGuesses, TooManyAtOnce.
        """
        guesses = (
            (self.limits.address, self.address()),
            (self.limits.name, same_name(name[:LONGEST])),
        )
        _require_few(*guesses)
        account = self.accounts().named(name)
        hashed = account.password if account else ""
        if not self.hashing.is_right(as_hashed(password[: LONGEST + 1]), hashed):
            _note(*guesses)
            raise Wrong
        assert account is not None  # nosec B101 # for mypy; without an account, wrong
        return account

    def code(self, account: Account, code: str, now: float) -> Account:
        """The account, if its second factor gives this code, or it is a recovery code.

        Raises Wrong, TooManyGuesses.
        """
        guess = (self.limits.code, account.id)
        _require_few(guess)
        step = totp.step_of(account.totp, code, now)
        if step is not None and self.used().use(account.id, step):
            return account
        if recovery_codes.left_after(account.recovery, code) is None:
            _note(guess)
            raise Wrong
        return self.accounts().change(account.id, lambda each: _used_up(each, code))


def _used_up(account: Account, code: str) -> Account:
    """The account without a recovery code. Raises Wrong if it was used meanwhile."""
    left = recovery_codes.left_after(account.recovery, code)
    if left is None:
        raise Wrong
    return msgspec.structs.replace(account, recovery=left)


def _require_few(*guesses: tuple[Guesses, str]) -> None:
    if wait := max(of.wait(who) for of, who in guesses):
        raise TooManyGuesses(wait)


def _note(*guesses: tuple[Guesses, str]) -> None:
    if wait := max(of.note(who) for of, who in guesses):
        raise TooManyGuesses(wait)
