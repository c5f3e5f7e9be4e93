"""Who has signed in at a proxy of ours, which names them in a header.

    a trusted proxy → the header named in the settings → one name → its account

From anybody else the header is ignored. A name is an account's only if it is spelled
exactly like it: what looks alike to people may be two people to the proxy.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import msgspec
from flask import request

from page_tracker.errors import AccountError
from page_tracker.hits.client_address import Proxies
from page_tracker.people.account import Account
from page_tracker.store.accounts import Accounts

# What Caddy and Apache write if they have nothing to fill in.
_UNFILLED = re.compile(r"\{.*\}|\(null\)")


class ProxySignIn(msgspec.Struct, frozen=True):
    """How far a proxy is trusted; not at all if no `header` is named."""

    header: str | None
    proxies: Proxies
    # Whether somebody without an account is given one, without any role.
    adds: bool
    accounts: Callable[[], Accounts]

    def name(self) -> str | None:
        """The name that a proxy vouches for; empty if its header is not a single name.

        None if no proxy of ours names anybody.
        """
        if not (self.header and self.proxies.trusts(request.remote_addr or "")):
            return None
        said = request.headers.get(self.header, "").strip()
        return None if not said or _UNFILLED.fullmatch(said) else name_said(said)

    def account(self, name: str) -> Account | None:
        """The account with a name, created if that is allowed. Raises RedisError.

        The first account is created only by its link: it owns all sites.
        """
        if not name:
            return None
        accounts = self.accounts()
        found = accounts.named(name)
        if found or not self.adds or accounts.are_none():
            return found if found and found.name == name else None
        try:
            return accounts.add(name, lambda account: account)
        except AccountError:  # the name is invalid, or another process was faster
            return None


def name_said(text: str) -> str:
    """The name in a header's text; empty if it is not a single name.

    Servers pass texts on byte by byte; names are UTF-8. A comma separates two headers,
    one of which a client may have sent.

    >>> name_said("ada"), name_said("eve,ada"), name_said("Zo\\xc3\\xab")
    ('ada', '', 'Zoë')
    """
    try:
        name = text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return ""
    return "" if "," in name else unicodedata.normalize("NFC", name)
