"""Who sends a request, as far as its headers show: so that nobody takes all threads.

    a token → a session that was seen lately → the client's address

Nothing is looked up, and nothing is admitted by it: made-up tokens and cookies are
refused soon enough.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from werkzeug.http import parse_cookie

from page_tracker.hits.client_address import Proxies
from page_tracker.people.one_time import hash_of
from page_tracker.web.pages.guard import COOKIE, HOST_COOKIE
from page_tracker.web.recent_sessions import RecentSessions


class Askers(msgspec.Struct, frozen=True):
    """Distinguishes askers: all sessions of an account are one."""

    proxies: Proxies
    recent: RecentSessions

    def of(self, headers: Mapping[bytes, bytes], peer: str) -> str:
        """The asker's name; `headers` by name, `peer` as for `Proxies.seen`."""
        kind, _, token = headers.get(b"authorization", b"").partition(b" ")
        if kind.lower() == b"bearer":
            return f"token {hash_of(token.decode('latin-1'))}"
        cookies = parse_cookie(headers.get(b"cookie", b"").decode("latin-1"))
        secret = cookies.get(HOST_COOKIE) or cookies.get(COOKIE)
        session = self.recent.find(hash_of(secret)) if secret else None
        if session:
            return f"account {session.account}"
        hops = (headers.get(b"x-forwarded-for", b""), headers.get(b"forwarded", b""))
        seen = self.proxies.seen(peer, *(each.decode("latin-1") for each in hops))
        return f"address {seen.address}"
