"""How many hits one address may send to one site: nobody slows down the others.

    now → when the address's next hit is due → taken, or how long to wait

Each hit moves the moment at which the address's next one is due by an even share of a
second; one that arrives up to `BURST` before it is due is accepted. That is the generic
cell rate algorithm (ITU-T I.371, A.1): one number for each address and site, kept only
in this process's memory. The library that has it takes 15 µs a hit, ten times as much.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence

from page_tracker.errors import TooManyHitsError
from page_tracker.hits.client_address import subscriber_of
from page_tracker.hits.hit import RawHit
from page_tracker.sites.site import Directory

# How many seconds' worth of hits may come at once.
BURST = 20.0
# The most addresses and sites remembered.
MAX_REMEMBERED = 20_000
TELL_EVERY = 60.0  # seconds between messages that hits are refused

logger = logging.getLogger(__name__)


class Rates:
    """What each address has sent lately; for one event loop, or for any threads."""

    def __init__(self, a_second: int) -> None:
        """`a_second` is how many hits an address may send to a site; 0: any number."""
        self._each = 1 / a_second if a_second else 0.0
        self._due: dict[tuple[str, str], float] = {}
        self._refused = 0
        self._told = -TELL_EVERY

    def refusal(
        self, raws: Sequence[RawHit], address: str, directory: Directory
    ) -> TooManyHitsError | None:
        """Why an address's hits are refused; None if they are accepted, and count.

        Missing and unknown sites count together as one site. A sender without an
        address (behind a Unix socket) has no limit.
        """
        if not self._each or not address:
            return None
        now = time.monotonic()
        subscriber = subscriber_of(address)
        for raw in raws:
            site = directory.resolve(raw.site) if raw.site else None
            key = (subscriber, site.id if site else "")
            due = self._due.get(key, now)
            if due - now > BURST:
                return self._refuse(due - now - BURST, now)
            self._due[key] = (due if due > now else now) + self._each
        if len(self._due) > MAX_REMEMBERED:
            self._forget(now)
        return None

    def _refuse(self, wait: float, now: float) -> TooManyHitsError:
        self._refused += 1
        if now - self._told >= TELL_EVERY:
            logger.warning(
                "%d hits were refused (429): an address sends more to a site than"
                " PAGE_TRACKER_HITS_OF_ADDRESS allows; a proxy of your own has to be"
                " named in PAGE_TRACKER_TRUSTED_PROXIES",
                self._refused,
            )
            self._refused, self._told = 0, now
        return TooManyHitsError("your address sends too many hits", math.ceil(wait))

    def _forget(self, now: float) -> None:
        """Forget addresses that are no longer ahead; of too many others, the first."""
        ahead = [item for item in list(self._due.items()) if item[1] > now]
        self._due = dict(ahead[-MAX_REMEMBERED // 2 :])
