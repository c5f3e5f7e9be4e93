"""An account: a person's name, password and roles, and the rules for changing it. Pure.

It is stored with hashes only; but a second factor's secret must be readable, as each
code is computed from it.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from page_tracker.errors import AccountError, LastOwnerError
from page_tracker.people.roles import Role

LONGEST_NAME = 100  # characters
ID_BYTES = 8


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account as it is stored."""

    id: str
    name: str
    # In argon2's format; empty until the person has chosen one.
    password: str = ""
    # For every site, later ones included; and for single ones, by id.
    everywhere: Role | None = None
    roles: dict[str, Role] = {}
    # The second factor's secret (base32), and hashes of the recovery codes that remain;
    # empty if there is none.
    totp: str = ""
    recovery: tuple[str, ...] = ()
    # Changes with the password and the second factor; sessions of another one are over.
    stamp: str = ""
    # UTC, seconds.
    created: int = 0


ById = Mapping[str, Account]


def new_account(name: Any, now: int) -> Account:
    """An account without password and roles. Raises AccountError."""
    return Account(
        id=secrets.token_hex(ID_BYTES),
        name=account_name(name),
        stamp=new_stamp(),
        created=now,
    )


def new_stamp() -> str:
    return secrets.token_hex(8)


def account_name(value: Any) -> str:
    """A name as it is stored. Raises AccountError.

    >>> account_name(" Ada Lovelace ")
    'Ada Lovelace'
    """
    if isinstance(value, str):
        name = unicodedata.normalize("NFC", value.strip())
        if 0 < len(name) <= LONGEST_NAME and name.isprintable():
            return name
    raise AccountError(
        f"name {str(value)[:200]!r} is no name",
        f"write one line of 1 to {LONGEST_NAME} characters, like ada or"
        " ada@example.com",
    )


def same_name(name: str) -> str:
    """A form that is equal for names that people should not have to tell apart.

    >>> same_name(" Ada@Example.com") == same_name("ada@example.com")
    True
    """
    return unicodedata.normalize("NFKC", name.strip()).casefold()


def found_by_name(accounts: Iterable[Account], name: str) -> Account | None:
    wanted = same_name(name)
    return next((each for each in accounts if same_name(each.name) == wanted), None)


def role_at(account: Account, site: str | None) -> Role | None:
    """The account's role for a site, or (None) for all of them."""
    given = [account.everywhere]
    if site is not None:
        given.append(account.roles.get(site))
    return max((role for role in given if role), key=lambda r: r.rank, default=None)


def may(account: Account, role: Role, site: str | None) -> bool:
    """Whether an account may do what `role` may, for a site or (None) for all."""
    has = role_at(account, site)
    return has is not None and has.includes(role)


def may_give(account: Account, sites: Iterable[str] | None) -> bool:
    """Whether an account may invite to these sites, and change roles for them."""
    if sites is None:
        return may(account, Role.OWNER, None)
    return all(may(account, Role.OWNER, site) for site in sites)


def with_role(
    account: Account, role: Role | None, sites: Iterable[str] | None
) -> Account:
    """The account with a role for these sites, or (None) for all; None removes it.

    >>> ada = with_role(Account(id="1", name="ada"), Role.EDITOR, ["a.example"])
    >>> role_at(ada, "a.example"), role_at(ada, "b.example")
    (<Role.EDITOR: 'editor'>, None)
    """
    if sites is None:
        return msgspec.structs.replace(account, everywhere=role)
    roles = {site: has for site, has in account.roles.items() if site not in set(sites)}
    if role is not None:
        roles |= dict.fromkeys(sites, role)
    return msgspec.structs.replace(account, roles=roles)


def with_password(account: Account, hashed: str) -> Account:
    """The account with another password; all of its sessions are over."""
    return msgspec.structs.replace(account, password=hashed, stamp=new_stamp())


def with_second_factor(
    account: Account, secret: str, recovery: Iterable[str]
) -> Account:
    """The account with another second factor, or (empty) none; sessions are over."""
    return msgspec.structs.replace(
        account, totp=secret, recovery=tuple(recovery), stamp=new_stamp()
    )


def is_owner_of_all(account: Account) -> bool:
    return account.everywhere is Role.OWNER


def roles_in_words(account: Account) -> str:
    """All roles of an account.

    >>> roles_in_words(Account(id="1", name="ada", roles={"a.example": Role.EDITOR}))
    'editor of a.example'
    """
    everywhere = [f"{account.everywhere} of all sites"] if account.everywhere else []
    single = [f"{role} of {site}" for site, role in sorted(account.roles.items())]
    return ", ".join(everywhere + single) or "no role"


def signs_in_by(account: Account) -> str:
    if not account.password:
        return "no password yet"
    return "password, second factor" if account.totp else "password"


def require_an_owner(before: ById, after: ById) -> None:
    """Raise LastOwnerError if nobody would be left to let others in.

    The last account may be removed: then a first one can be created again.
    """
    had = any(map(is_owner_of_all, before.values()))
    if had and after and not any(map(is_owner_of_all, after.values())):
        raise LastOwnerError(
            "this is the last owner of all sites",
            "make another one an owner of all sites first",
        )
