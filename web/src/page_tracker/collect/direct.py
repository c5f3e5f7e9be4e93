"""The collector of a server without an event loop: one batch for each request."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from redis import Redis, RedisError

from page_tracker.collect.drops import (
    RETRY_AWAY,
    by_shard,
    drops_among,
    is_of_unknown_site,
    once_a_site,
    refusal,
    site_day_at,
)
from page_tracker.collect.rates import Rates
from page_tracker.errors import NotStoredError
from page_tracker.hits.context import Context
from page_tracker.hits.enrich import UnknownSaltError, enrich
from page_tracker.hits.hit import Drop, Hit, RawHit, Sender
from page_tracker.hits.visitor import visitor_of
from page_tracker.lookups.reload import FreshLookups
from page_tracker.sites.site import Directory, Site, day_of
from page_tracker.store.ingest import (
    Batch,
    BatchRefusedError,
    Bounds,
    Outcome,
    StoreAwayError,
    StreamFullError,
    submit,
)
from page_tracker.store.salts import Salts
from page_tracker.store.sites import Sites
from page_tracker.store.tokens import Tokens


class UnbatchedCollector:
    """Stores a request's hits before it is answered; for any number of threads."""

    def __init__(
        self,
        redis: Redis,
        sites: Sites,
        tokens: Tokens,
        lookups: FreshLookups,
        *,
        bounds: Bounds,
        rates: Rates,
    ) -> None:
        self._redis = redis
        self._sites = sites
        self._tokens = tokens
        self._lookups = lookups
        self._bounds = bounds
        self._rates = rates
        self._salts = Salts()
        self._lock = threading.Lock()

    def collect(self, raws: Sequence[RawHit], sender: Sender) -> list[Drop]:
        """Store an event for one or several sites, each of which gets it once.

        Returns what does not count, with its reasons. Raises NotStoredError if hits
        are not stored, or if nobody knows whether they are, and TooManyHitsError.
        """
        moment = time.time_ns() // 1000
        try:
            context = self._known(raws)
            if not all(context.is_trusted(raw, moment) for raw in raws):
                self._refuse_too_many(raws, sender, context.directory)
            found = [self._judged(raw, sender, moment, context) for raw in raws]
            if any(map(is_of_unknown_site, found)):
                context = context._replace(directory=self._sites.look())
                found = [self._judged(raw, sender, moment, context) for raw in raws]
        except RedisError as error:
            raise NotStoredError(
                f"Redis cannot be asked ({error})", RETRY_AWAY
            ) from error
        settled = self._settled(once_a_site(found), moment, context.directory)
        return drops_among(settled)

    def _known(self, raws: Sequence[RawHit]) -> Context:
        directory, tokens = self._sites.directory(), self._tokens.known()
        context = Context(directory, {}, self._lookups.now, tokens)
        if any(map(context.lacks_token, raws)):
            return context._replace(tokens=self._tokens.look())
        return context

    def _refuse_too_many(
        self, raws: Sequence[RawHit], sender: Sender, directory: Directory
    ) -> None:
        if too_many := self._rates.refusal(raws, sender.address, directory):
            raise too_many

    def visitor(self, site: Site, sender: Sender, moment: int) -> bytes:
        """Who the sender is on the site's day of that moment (microseconds).

        Raises redis.RedisError.
        """
        salt = self._salt(site, day_of(site, moment), moment)
        return visitor_of(salt, site.id, sender.address, sender.user_agent)

    def _judged(
        self, raw: RawHit, sender: Sender, moment: int, context: Context
    ) -> Hit | Drop:
        salts: dict[tuple[str, int], bytes] = {}
        context = context._replace(salts=salts)
        try:
            return enrich(raw, sender, moment, context)
        except UnknownSaltError as missing:
            site, day = missing.site, missing.day
            salts[site.id, day] = self._salt(site, day, moment)
        return enrich(raw, sender, moment, context)

    def _salt(self, site: Site, day: int, moment: int) -> bytes:
        with self._lock:
            return self._salts.get(
                self._redis, site_day_at(site, day, moment), moment // 1_000_000
            )

    def _settled(
        self, found: Sequence[Hit | Drop], moment: int, directory: Directory
    ) -> list[tuple[Hit | Drop, Outcome]]:
        settled: list[tuple[Hit | Drop, Outcome]] = []
        division = self._sites.division
        for shard, together in by_shard(found, division).items():
            hits = [each for each in together if isinstance(each, Hit)]
            drops = [each for each in together if isinstance(each, Drop)]
            batch = Batch(
                moment=moment,
                hits=hits,
                drops=drops,
                sites=directory.by_id,
                shard=shard,
                bounds=self._bounds.divided(division.parts(shard)),
            )
            settled += list(zip(hits, self._stored(batch), strict=True))
            settled += [(drop, Outcome.STORED) for drop in drops]
        return settled

    def _stored(self, batch: Batch) -> list[Outcome]:
        try:
            try:
                return submit(self._redis, batch)
            except StoreAwayError:
                return submit(self._redis, batch)  # its id makes it the same one
        except (StreamFullError, StoreAwayError, BatchRefusedError) as error:
            raise refusal(error) from error
