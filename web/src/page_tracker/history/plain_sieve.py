r"""A block of lines divided at their quotes: a quick way to what a Sieve finds in them.

    line → plain: its parts → client, minute, address of the page, agent, page, place,
                              visitor: looked up once, and remembered
                            → left out, or a row
         → another: by the Sieve

A plain line has no backslash, so each quote begins or ends a part, and the line can be
divided in one way only. The Sieve also takes plain lines that are not in the format
(no address, no such date), and views of which a part is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from page_tracker.history.blocks import (
    EXPIRED,
    Block,
    Row,
    Sieve,
    number_of,
    with_left_out,
)
from page_tracker.history.formats.clf import asked, said
from page_tracker.history.formats.hosts import forwarded_address
from page_tracker.history.formats.logged_request import clf_minute
from page_tracker.history.left_out_lines import Refused
from page_tracker.history.lines import divided
from page_tracker.history.view_parts import Facts, ViewParts
from page_tracker.hits.hit import Drop, Kind, Reason
from page_tracker.hits.visitor import visitor_of
from page_tracker.sites.site import day_of

_CACHED = 16_384
_VIEW = int(Kind.VIEW)
_SECONDS = {f":{second:02}": second * 1_000_000 for second in range(60)}
_ANSWER = re.compile(r" (\d{3}) (?:\d+|-) ")


class _Agent(NamedTuple):
    """A user agent: whether a line says none, and its facts, or a bot's name."""

    is_unsaid: bool
    facts: Facts | str


class PlainSieve:
    """Sifts plain lines itself; `client_in` is the format's, see there."""

    def __init__(
        self, sieve: Sieve, client_in: Callable[[str], tuple[str, str] | None]
    ) -> None:
        self._sieve = sieve
        self._client_in = client_in
        self._is_forwarded = sieve.dialect.whose == "forwarded"
        self._parts = ViewParts(sieve.site, sieve.known)
        self._parts_without_agents = ViewParts(sieve.site, sieve.known_without_agents)
        remembered = lru_cache(_CACHED)
        self._client = remembered(self._find_client)
        self._minute = remembered(self._find_minute)
        self._url = remembered(self._find_url)
        self._agent = remembered(self._find_agent)
        self._bot = remembered(self._find_bot)
        self._visitor = remembered(self._find_visitor)
        self._agentless = 0

    def sift(self, text: str, position: int) -> Block:
        """Take the page views out of lines, the first of which stands at `position`."""
        rows: list[Row] = []
        left_out: list[Refused | Drop] = []
        others: list[tuple[int, str]] = []
        self._agentless = 0
        for number, line in enumerate(divided(text)):
            found = self._look_at(line, position + number)
            if found is None:
                others.append((number, line))
            elif isinstance(found, (Refused, Drop)):
                left_out.append(found)
            else:
                rows.append(found)
        rest = self._rest(others, position)
        block = rest._replace(
            rows=rows + rest.rows, agentless=self._agentless + rest.agentless
        )
        return with_left_out(block, Counter(left_out))

    def _rest(self, lines: list[tuple[int, str]], position: int) -> Block:
        """Sift the lines that are left, by their numbers."""
        numbers = [number for number, _ in lines]
        block = self._sieve.sift("".join(f"{line}\n" for _, line in lines), 0)
        return block._replace(
            rows=[(*row[:-1], position + numbers[row[-1]]) for row in block.rows],
            malformed=[(numbers[number], text) for number, text in block.malformed],
        )

    # pylint: disable-next=too-many-locals  # one for each part of a line
    def _look_at(self, line: str, position: int) -> Row | Refused | Drop | None:
        """The row of a line, or why it is left out; None if the Sieve has to say it."""
        parts = line.split('"', 6)
        if len(parts) < 7 or parts[4] != " " or "\\" in line:
            return None
        before, request, answer, referred, _, user_agent, rest = parts
        # It ends with the time: `[31/Jan/2026:13:00:05 +0100] `.
        client = self._client(before[:-28], rest if self._is_forwarded else "")
        minute = self._minute(before[-28:-11], before[-8:])
        second = _SECONDS.get(before[-11:-8])
        if client is None or minute is None or second is None:
            return None
        address, host = client
        began, day = minute
        url = self._url(request, answer, host)
        if url is None or isinstance(url, Refused):
            return url
        if day < self._sieve.first_day:
            return EXPIRED
        time = began + second
        return self._view(time, day, address, url, referred, user_agent, position)

    # pylint: disable-next=too-many-arguments,too-many-positional-arguments # as above
    def _view(
        self,
        time: int,
        day: int,
        address: str,
        url: str,
        referred: str,
        user_agent: str,
        position: int,
    ) -> Row | Drop | None:
        """The row of a page view; otherwise as `_look_at`."""
        agent = self._agent(user_agent)
        if isinstance(agent.facts, str):
            return self._bot(day, agent.facts)
        page = self._parts.page(url, said(referred))
        place = self._parts.place(address)
        if page is None or place is None:
            return None
        self._agentless += agent.is_unsaid
        who = self._visitor(day, address, user_agent)
        return (
            *(time, day, *page.first, *place, *agent.facts, *page.last),
            *(who, _VIEW, position),
        )

    def _find_client(self, text: str, rest: str) -> tuple[str, str] | None:
        # Else what it ends with could be of a name, and the bracket a later one.
        found = self._client_in(text) if text.endswith(" [") else None
        if found is None or not self._is_forwarded:
            return found
        address, host = found
        return forwarded_address(rest) or address, host

    def _find_minute(self, minute: str, zone: str) -> tuple[int, int] | None:
        """When it began, in microseconds, and on which day of the site."""
        try:
            began = clf_minute(minute, zone.removesuffix("] "))
        except ValueError:
            return None
        return began, day_of(self._sieve.site, began)

    def _find_url(self, request: str, answer: str, host: str) -> str | Refused | None:
        answered = _ANSWER.fullmatch(answer)
        if answered is None:
            return None
        return self._sieve.page(asked(request, answered[1], host))

    def _find_agent(self, text: str) -> _Agent:
        agent = said(text)
        is_unsaid = self._sieve.is_unsaid(agent)
        parts = self._parts_without_agents if is_unsaid else self._parts
        return _Agent(is_unsaid, parts.client(agent))

    def _find_bot(self, day: int, name: str) -> Drop | None:
        site = self._sieve.site
        if site.own_addresses or site.blocked_addresses:
            return None  # its address may be refused, which comes before
        return Drop(day, site.id, Reason.BOT, name)

    def _find_visitor(self, day: int, address: str, user_agent: str) -> int:
        site = self._sieve.site.id
        salt = self._sieve.known.salts[site, day]
        return number_of(visitor_of(salt, site, address, said(user_agent)))
