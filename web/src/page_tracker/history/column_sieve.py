r"""A block of lines as columns: a quick way to what a Sieve finds line by line.

    lines → plain ones, divided at their quotes by the engine
              → each distinct client, minute, request and agent looked up once
              → counted by the reason why they are left out, or else page views
              → each distinct page, place and visitor looked up once → rows
          → others, line by line, by the Sieve

A plain line has no backslash, so each quote begins or ends a part, and the line can be
divided in one way only. The Sieve also takes plain lines that are not in the format
(no address, no such date), and views of which a part is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from arro3.core import Array, DataType, Table

from page_tracker.days import day_number
from page_tracker.history.blocks import (
    EXPIRED,
    SPOOLED,
    Block,
    Row,
    Sieve,
    number_of,
)
from page_tracker.history.formats.clf import asked, said
from page_tracker.history.formats.hosts import forwarded_address
from page_tracker.history.formats.logged_request import clf_minute
from page_tracker.history.left_out_lines import LeftOut, Refused
from page_tracker.history.view_parts import (
    OF_CLIENT,
    OF_PAGE,
    OF_PLACE,
    Facts,
    ViewParts,
)
from page_tracker.hits.hit import Drop, RawHit, Reason
from page_tracker.hits.visitor import visitor_of
from page_tracker.lake.columns import arrow_table
from page_tracker.schema import Column, ColumnType
from page_tracker.sites.site import day_of

if TYPE_CHECKING:
    import duckdb

# The fields between quotes: f[1] is all before the request, f[3] status and bytes, f[4]
# the referrer, f[6] the user agent, f[7] and those after it the rest. A time and the
# blank after it take 28 characters: `31/Jan/2026:13:00:05 +0100] `.
_PLAIN = r"""
SELECT number, left(f[1], -28) AS client_text, left(right(f[1], 28), 17) AS minute,
    left(right(f[1], 11), 3) AS second_text, right(f[1], 8) AS zone,
    f[2] AS request, f[3] AS answer, f[4] AS referred, f[6] AS agent_text,
    {rest} AS rest
FROM (SELECT number, line, string_split(line, '"') AS f FROM lines)
WHERE len(f) >= 7 AND f[5] = ' ' AND NOT contains(line, '\')
"""
_REST = """array_to_string(f[7:], '"')"""
_ANSWER = re.compile(r" (\d{3}) (?:\d+|-) ")

# What becomes of a line.
_REFUSED, _EXPIRED, _BOT, _VIEW, _OTHER = range(5)

_REQUESTS = f"""
SELECT number, began + second * 1000000 AS time, day, address, agent_text, url,
    referred, reason, refused, bot, CASE
        WHEN reason IS NOT NULL THEN {_REFUSED}
        WHEN day < $first_day THEN {_EXPIRED}
        WHEN bot IS NOT NULL THEN $bots_are
        ELSE {_VIEW} END AS fate
FROM plain JOIN clients USING (client_text, rest) JOIN agents USING (agent_text)
    JOIN minutes USING (minute, zone) JOIN seconds USING (second_text)
    JOIN asked USING (request, answer, host)
"""

_COUNTED = f"""
SELECT fate, reason, refused, CASE WHEN fate = {_BOT} THEN day END AS day,
    CASE WHEN fate = {_BOT} THEN bot END AS bot, count(*)
FROM requests WHERE fate IN ({_REFUSED}, {_EXPIRED}, {_BOT}) GROUP BY ALL
"""

_SPECIAL = {
    "time": "make_timestamp(time)::TIMESTAMPTZ AS time",
    "day": "DATE '1970-01-01' + day::INTEGER AS day",
    "position": "$position + number AS position",
}
_ROWS = f"""
SELECT {", ".join(_SPECIAL.get(each.name, each.name) for each in SPOOLED)}, is_unsaid
FROM requests JOIN pages USING (url, referred) JOIN places USING (address)
    JOIN agents USING (agent_text) JOIN visitors USING (day, address, agent_text), alike
WHERE fate = {_VIEW}
"""

# Lines that are neither counted nor rows.
_LEFT = f"""
SELECT number, line FROM lines
ANTI JOIN (FROM requests WHERE fate NOT IN ({_VIEW}, {_OTHER})) USING (number)
ANTI JOIN (SELECT position - $position AS number FROM rows) USING (number)
ORDER BY number
"""

# What all page views of a site have in common.
_ALIKE = ("site", "name", "title", "props", "engaged", "scroll", "revenue", "currency")

# The types of columns that are neither text nor SPOOLED's; and those with gaps.
_TYPES: dict[str, ColumnType] = {each.name: each.type for each in SPOOLED}
_TYPES |= {"day": "int64", "began": "int64", "second": "int64", "is_unsaid": "bool"}
_GAPS = ("url", "reason", "refused", "bot", "engaged", "scroll", "revenue")


class Sifted(NamedTuple):
    """A block without its rows, which are a relation in SPOOLED's columns."""

    block: Block
    rows: duckdb.DuckDBPyRelation
    # How many rows there are of each day.
    days: Counter[int]


class ColumnSieve:
    """Sifts columns; `client_in` is the format's, see there."""

    def __init__(
        self,
        sieve: Sieve,
        client_in: Callable[[str], tuple[str, str] | None],
        engine: duckdb.DuckDBPyConnection,
    ) -> None:
        self._sieve = sieve
        self._client_in = client_in
        self._engine = engine
        self._site = site = sieve.site
        self._parts = ViewParts(site, sieve.known)
        self._parts_without_agents = ViewParts(site, sieve.known_without_agents)
        self._is_forwarded = sieve.dialect.whose == "forwarded"
        # A bot is dropped as one, unless its address is refused before.
        refuses_addresses = site.own_addresses or site.blocked_addresses
        self._bots_are = _OTHER if refuses_addresses else _BOT
        view = RawHit(site=site.id, url="")
        alike = (site.id, view.name, view.title, view.props, *(None,) * 3, "")
        self._make("alike", (*_ALIKE, "kind"), [(*alike, int(view.kind))])
        seconds = [(f":{second:02}", second) for second in range(60)]
        self._make("seconds", ("second_text", "second"), seconds)

    def sift(self, text: str, position: int) -> Sifted:
        """What becomes of lines, the first of which stands at `position`."""
        self._lay_out(text)
        del text  # a copy for each thread
        self._find_requests()
        self._find_views(position)
        others = self._others(position)
        counted = self._counted(others)
        for table in ("plain", "requests"):
            self._engine.execute(f"DROP TABLE {table}")
        self._engine.unregister("lines")
        rows = self._engine.sql(
            "SELECT * EXCLUDE (is_unsaid) FROM rows UNION ALL FROM others"
        )
        days = rows.aggregate("day, count(*)", "day").fetchall()
        return Sifted(
            counted,
            rows,
            Counter({day_number(day): number for day, number in days}),
        )

    def _lay_out(self, text: str) -> None:
        """Make the table `lines`."""
        lines = text.split("\n")
        if not lines[-1]:
            lines.pop()
        numbers = Array(range(len(lines)), type=DataType.int64())
        texts = Array(lines, type=DataType.utf8())
        table = Table.from_arrays([numbers, texts], names=["number", "line"])
        self._engine.register("lines", table)

    def _find_requests(self) -> None:
        """Find what plain lines request, and whether each is a page view."""
        rest = _REST if self._is_forwarded else "''"
        self._replace("plain", _PLAIN.format(rest=rest))
        said_by = ("client_text", "rest")
        self._look_up("clients", "plain", said_by, ("address", "host"), self._client)
        said_at = ("minute", "zone")
        self._look_up("minutes", "plain", said_at, ("began", "day"), self._minute)
        about = ("is_unsaid", "bot", *OF_CLIENT)
        self._look_up("agents", "plain", ("agent_text",), about, self._agent)
        with_hosts = f"plain JOIN clients USING ({', '.join(said_by)})"
        asked_for, found = ("request", "answer", "host"), ("url", "reason", "refused")
        self._look_up("asked", with_hosts, asked_for, found, self._asked)
        self._replace(
            "requests",
            _REQUESTS,
            first_day=self._sieve.first_day,
            bots_are=self._bots_are,
        )

    def _find_views(self, position: int) -> None:
        """Make the rows of page views, except those of which a part is refused."""
        views = f"(FROM requests WHERE fate = {_VIEW})"
        self._look_up("pages", views, ("url", "referred"), OF_PAGE, self._page)
        self._look_up("places", views, ("address",), OF_PLACE, self._parts.place)
        person = ("day", "address", "agent_text")
        self._look_up("visitors", views, person, ("who",), self._visitor)
        self._replace("rows", _ROWS, position=position)

    def _others(self, position: int) -> Block:
        """Sift the lines that are left, and make the table `others` of their rows."""
        left = self._engine.execute(_LEFT, {"position": position}).fetchall()
        numbers = [number for number, _ in left]
        block = self._sieve.sift("".join(f"{line}\n" for _, line in left), 0)
        rows = [(*row[:-1], position + numbers[row[-1]]) for row in block.rows]
        self._engine.register("others", arrow_table(SPOOLED, rows))
        malformed = [(numbers[number], text) for number, text in block.malformed]
        return block._replace(rows=[], malformed=malformed)

    def _counted(self, others: Block) -> Block:
        """All that was left out, and `others`."""
        refused, drops = others.refused.copy(), others.drops.copy()
        left_out = others.left_out.copy()
        for fate, reason, name, day, bot, number in self._fetch(_COUNTED):
            if fate == _BOT:
                drops[Drop(day, self._site.id, Reason.BOT, bot)] += number
                left_out[Reason.BOT] += number
            else:
                line = Refused(LeftOut(reason), name) if reason else EXPIRED
                refused[line] += number
                left_out[line.reason] += number
        ((agentless,),) = self._fetch("SELECT count(*) FROM rows WHERE is_unsaid")
        return others._replace(
            left_out=left_out,
            drops=drops,
            refused=refused,
            agentless=others.agentless + agentless,
        )

    def _client(self, text: str, rest: str) -> Facts | None:
        # Else what it ends with could be of a name, and the bracket a later one.
        found = self._client_in(text) if text.endswith(" [") else None
        if found is None or not self._is_forwarded:
            return found
        address, host = found
        return forwarded_address(rest) or address, host

    def _minute(self, minute: str, zone: str) -> Facts | None:
        try:
            began = clf_minute(minute, zone.removesuffix("] "))
        except ValueError:
            return None
        return began, day_of(self._site, began)

    def _agent(self, text: str) -> Facts:
        agent = said(text)
        is_unsaid = self._sieve.is_unsaid(agent)
        parts = self._parts_without_agents if is_unsaid else self._parts
        client = parts.client(agent)
        if isinstance(client, str):
            return is_unsaid, client, *("",) * len(OF_CLIENT)
        return is_unsaid, None, *client

    def _asked(self, request: str, answer: str, host: str) -> Facts | None:
        answered = _ANSWER.fullmatch(answer)
        if answered is None:
            return None
        page = self._sieve.page(asked(request, answered[1], host))
        if isinstance(page, Refused):
            return None, page.reason, page.name
        return page, None, None

    def _page(self, url: str, referred: str) -> Facts | None:
        return self._parts.page(url, said(referred))

    def _visitor(self, day: int, address: str, agent_text: str) -> Facts:
        agent = said(agent_text)
        salt = self._sieve.known.salts[self._site.id, day]
        return (number_of(visitor_of(salt, self._site.id, address, agent)),)

    def _look_up(
        self,
        name: str,
        source: str,
        keys: Sequence[str],
        facts: Sequence[str],
        find: Callable[..., Facts | None],
    ) -> None:
        """Make a table of what is found for the distinct values of columns, `keys`.

        Values for which nothing is found are not in it.
        """
        distinct = self._fetch(f"SELECT DISTINCT {', '.join(keys)} FROM {source}")
        rows = [
            (*values, *found)
            for values in distinct
            if (found := find(*values)) is not None
        ]
        self._make(name, (*keys, *facts), rows)

    def _make(self, name: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        described = [
            Column(each, _TYPES.get(each, "string"), "", nullable=each in _GAPS)
            for each in columns
        ]
        self._engine.register("looked_up", arrow_table(described, rows))
        self._replace(name, "FROM looked_up")

    def _replace(self, name: str, query: str, **values: int) -> None:
        self._engine.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}", values)

    def _fetch(self, query: str) -> list[Any]:
        return self._engine.execute(query).fetchall()
