"""What a hit is judged by, besides itself: sites, salts, lookups, tokens."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from page_tracker.days import MICROSECONDS
from page_tracker.hits.facts import Lookups
from page_tracker.hits.hit import Claim, RawHit
from page_tracker.sites.site import Directory, Site
from page_tracker.sites.token import Scope, Token, allows, id_of, is_token

# The salts of sites' days, by the site's id and the day.
Salts = Mapping[tuple[str, int], bytes]


UNKNOWN_TOKEN = "unknown token"  # nosec B105 # no secret


class Context(NamedTuple):
    """What a hit is judged by, besides itself."""

    directory: Directory
    salts: Salts
    lookups: Lookups
    # By their ids.
    tokens: Mapping[str, Token] = MappingProxyType({})

    def site_of(self, raw: RawHit, hostname: str, moment: int) -> Site | None:
        """The site that was named, else the page's, else the only one there can be:
        the only one of the token that is shown, or the only one there is."""
        named = raw.site or hostname
        site = self.directory.resolve(named) if named else None
        if site is not None or raw.site:
            return site
        token = self._token(raw.claim, moment) if raw.claim else None
        if token is not None and token.sites is not None and len(token.sites) == 1:
            return self.directory.by_id.get(token.sites[0])
        return self.directory.only()

    def doubt(self, claim: Claim, site: Site, moment: int) -> str:
        """Why a claim about a visitor of the site is not believed; empty if it is."""
        if not claim.token:
            return "no token"
        token = self._token(claim, moment)
        if token is None:
            return UNKNOWN_TOKEN
        if not allows(token, Scope.EVENTS, site.id):
            return f"token {token.id}, which lacks this scope or site"
        return ""

    def is_trusted(self, raw: RawHit, moment: int) -> bool:
        """Whether a hit shows a token for its site."""
        if raw.claim is None or not raw.claim.token:
            return False
        site = self.site_of(raw, "", moment)
        return site is not None and not self.doubt(raw.claim, site, moment)

    def lacks_token(self, raw: RawHit) -> bool:
        """Whether a hit shows a token that is not known, or not yet."""
        shown = id_of(raw.claim.token) if raw.claim else None
        return shown is not None and shown not in self.tokens

    def _token(self, claim: Claim, moment: int) -> Token | None:
        """The token that a claim shows, if it is valid."""
        token = self.tokens.get(id_of(claim.token) or "")
        if token is None or not is_token(token, claim.token, moment / MICROSECONDS):
            return None
        return token
