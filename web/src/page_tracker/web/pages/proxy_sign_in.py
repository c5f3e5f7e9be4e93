"""Who has signed in at a proxy of ours, which says so in a header.

    a trusted proxy → the header that the settings name → one name → the account of it

Of everybody else that header means nothing. A name is an account's where it is written
exactly like it: what looks alike to people may be two people to the proxy.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from flask import request

from page_tracker.errors import AccountError
from page_tracker.hits.client_address import Proxies
from page_tracker.people.account import Account
from page_tracker.store.accounts import Accounts

# What Caddy and Apache write where they have nothing to fill in.
_UNFILLED = re.compile(r"\{.*\}|\(null\)")


@dataclass(frozen=True)
class ProxySignIn:
    """What a proxy's word is worth; nothing where no `header` is named."""

    header: str | None
    proxies: Proxies
    # Whether somebody without an account is given one, without any role.
    adds: bool
    accounts: Callable[[], Accounts]

    def name(self) -> str | None:
        """The name that a proxy vouches for; empty where what it says is no one name.

        None where no proxy of ours says anything.
        """
        if not (self.header and self.proxies.trusts(request.remote_addr or "")):
            return None
        said = request.headers.get(self.header, "").strip()
        return None if not said or _UNFILLED.fullmatch(said) else name_said(said)

    def account(self, name: str) -> Account | None:
        """The account of a name, made where that is allowed. Raises RedisError.

        The first account is made by its link alone: it owns all sites.
        """
        if not name:
            return None
        accounts = self.accounts()
        found = accounts.named(name)
        if found or not self.adds or accounts.are_none():
            return found if found and found.name == name else None
        try:
            return accounts.add(name, lambda account: account)
        except AccountError:  # it is no name, or another process was faster
            return None


def name_said(text: str) -> str:
    """The name that a header's text says; empty where it is no one name.

    Servers hand texts on byte by byte; names are UTF-8. A comma stands between two
    headers, of which a client may have sent one.

    >>> name_said("ada"), name_said("eve,ada"), name_said("Zo\\xc3\\xab")
    ('ada', '', 'Zoë')
    """
    try:
        name = text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return ""
    return "" if "," in name else unicodedata.normalize("NFC", name)
