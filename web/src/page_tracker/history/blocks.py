"""A block of log lines into page views, and the count of what was left out.

    line → Request → the page's address, or refused by its answer, method, file or host
                   → RawHit → enrich, as every hit is → Hit | Drop
                   → a row of SPOOLED

Pure. Every lookup and decision is made once for each distinct value: by enrichment's
caches, and one of requests. Address and user agent go no further than a hash made here,
whose key nobody keeps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from hashlib import blake2b
from posixpath import splitext
from typing import Any, NamedTuple

from msgspec.structs import astuple, replace

from page_tracker.history.dialect import Dialect, Lines, shown
from page_tracker.history.formats import Exchange, Request
from page_tracker.history.left_out_lines import LeftOut, Malformed, Refused
from page_tracker.history.visits import FOUND
from page_tracker.hits.context import Context
from page_tracker.hits.enrich import enrich
from page_tracker.hits.facts import Lookups
from page_tracker.hits.hit import Drop, Hit, RawHit, Sender
from page_tracker.schema import HITS, Column
from page_tracker.sites.site import Directory, Site

# What a page view brings itself, and how its visit is found.
SPOOLED: tuple[Column, ...] = (
    *(column for column in HITS if column.name not in FOUND),
    Column("who", "int64", "the visitor: a keyed hash"),
    Column("kind", "int32", "a Kind"),
    Column("position", "int64", "where its line stands in the import"),
)

_CACHED = 16_384
# How many malformed lines are reported by their number.
MAX_REPORTED = 10
# No refusal's name is longer, except hosts.
_NAME = 16
EXPIRED = Refused(LeftOut.EXPIRED)

# Extensions of what pages consist of, and of files that are not pages.
STATIC = frozenset("""
    css js mjs map json xml txt rss atom wasm webmanifest
    png jpg jpeg gif svg webp avif ico bmp tif tiff heic
    woff woff2 ttf otf eot
    mp3 mp4 m4a m4v ogg ogv oga opus wav flac webm avi mov mkv mpg mpeg swf
    pdf ps doc docx xls xlsx ppt pptx odt ods odp epub rtf csv
    zip gz tgz bz2 xz zst tar rar 7z jar war deb rpm apk dmg msi exe iso bin img
    """.split())


Row = tuple[Any, ...]


class Block(NamedTuple):
    """What became of a block of lines."""

    rows: list[Row]
    left_out: Counter[str]
    # The first malformed lines, MAX_REPORTED at most: numbers, from 0, and beginnings.
    malformed: list[tuple[int, str]]
    # Those in `left_out` that a server would have dropped too.
    drops: Counter[Drop]
    # The others in `left_out`, by the name that identifies them.
    refused: Counter[Refused]
    # The number of rows whose line has no user agent.
    agentless: int
    # Formats of lines that were not in the dialect's first format.
    formats: set[str]


def with_left_out(block: Block, others: Counter[Refused | Drop]) -> Block:
    """The block, with these left out too."""
    left_out = block.left_out.copy()
    for each, times in others.items():
        left_out[each.reason] += times
    drops = {e: times for e, times in others.items() if isinstance(e, Drop)}
    refused = {e: times for e, times in others.items() if isinstance(e, Refused)}
    return block._replace(
        left_out=left_out,
        drops=block.drops + Counter(drops),
        refused=block.refused + Counter(refused),
    )


class _DayKeys(dict[tuple[str, int], bytes]):
    """A key for each of the site's days, drawn from the import's random one."""

    def __init__(self, key: bytes) -> None:
        super().__init__()
        self._key = key

    def __missing__(self, day: tuple[str, int]) -> bytes:
        key = blake2b(repr(day).encode(), digest_size=32, key=self._key).digest()
        return self.setdefault(day, key)


class Sieve:
    """Takes the page views of one site out of log lines."""

    def __init__(
        self, site: Site, dialect: Dialect, known: Context, first_day: int = 0
    ) -> None:
        """`first_day`: the first one, since 1970, that the site keeps."""
        self.site = site
        self.dialect = dialect
        self.known = known
        self.first_day = first_day
        self._lines = Lines(dialect)
        # A line is not a bot's just because it has no user agent.
        without_bots = replace(known.lookups, bot_of=lambda _: None)
        self.known_without_agents = known._replace(lookups=without_bots)
        self.page = lru_cache(_CACHED)(self._page)
        self._agentless = 0

    @classmethod
    def of(
        cls, site: Site, dialect: Dialect, lookups: Lookups, key: bytes, first_day: int
    ) -> Sieve:
        """`key`: 16 to 64 random bytes, the same for all blocks of an import."""
        known = Context(Directory([site]), _DayKeys(key), lookups)
        return cls(site, dialect, known, first_day)

    def sift(self, text: str, position: int) -> Block:
        """Take the page views out of lines, the first of which stands at `position`."""
        rows: list[Row] = []
        malformed: list[tuple[int, str]] = []
        others: Counter[Refused | Drop] = Counter()
        malformed_lines = self._agentless = 0
        self._lines.formats.clear()
        for number, found in enumerate(self.hits(text)):
            if isinstance(found, Hit):
                rows.append(row_of(found, position + number))
            elif isinstance(found, Malformed):
                malformed_lines += 1
                if len(malformed) < MAX_REPORTED:
                    malformed.append((number, found.text))
            else:
                others[found] += 1
        left_out: Counter[str] = Counter()
        if malformed_lines:
            left_out[LeftOut.MALFORMED] = malformed_lines
        formats = set(self._lines.formats)
        block = Block(
            *(rows, left_out, malformed, Counter(), Counter(), self._agentless, formats)
        )
        return with_left_out(block, others)

    def hits(self, text: str) -> Iterator[Hit | Drop | Refused | Malformed]:
        """What each line is: a page view, or the reason why it is not one."""
        page_of = self.page
        for request in self._lines.read(text):
            if not isinstance(request, Request):
                yield request
                continue
            page = page_of(request.asked)
            yield page if isinstance(page, Refused) else self._view_of(request, page)

    def _view_of(self, request: Request, page: str) -> Hit | Drop | Refused:
        raw = RawHit(site=self.site.id, url=page, referrer=request.referrer)
        agent, known = request.user_agent, self.known
        is_unsaid = self.is_unsaid(agent)
        if is_unsaid:
            known = self.known_without_agents
        sender = Sender(self._lines.address_of(request), agent or "")
        found = enrich(raw, sender, request.time, known)
        if isinstance(found, Drop):
            return EXPIRED if found.day < self.first_day else found
        if found.record.day < self.first_day:
            return EXPIRED
        self._agentless += is_unsaid
        return found

    def is_unsaid(self, agent: str | None) -> bool:
        """Whether nothing can be told by a line's having no user agent."""
        return not agent and (agent is None or not self.dialect.has_agents)

    def _page(self, asked: Exchange) -> str | Refused:
        """The address of the page that was asked for, where it is one of this site's
        and was shown."""
        for refuse in REFUSALS:
            if refused := refuse(asked):
                return refused
        target, host = asked.target, asked.host
        if not target.startswith("/"):  # a whole address, as in requests to proxies
            scheme, separator, rest = target.partition("://")
            if not separator or scheme not in ("http", "https"):
                return Refused(LeftOut.ERROR, shown(scheme[:_NAME]))
            host, slash, target = rest.partition("/")
            target = slash + target
        if host and self.known.directory.resolve(host) is None:
            return Refused(LeftOut.OTHER_HOST, shown(host.lower()))
        return f"https://{host or self.site.id}{target}"


def refuse_answers(asked: Exchange) -> Refused | None:
    """Errors, redirects, and what shows nothing; a page that the browser still has
    (304) was seen."""
    status = asked.status
    if 200 <= status < 300 or status == 304:
        return None
    reason = LeftOut.REDIRECT if 300 <= status < 400 else LeftOut.ERROR
    return Refused(reason, str(status)[:_NAME])


def refuse_methods(asked: Exchange) -> Refused | None:
    """Only pages requested by GET are viewed."""
    if asked.method == "GET":
        return None
    return Refused(LeftOut.METHOD, shown(asked.method[:_NAME]))


def refuse_static_files(asked: Exchange) -> Refused | None:
    """Refuse what pages consist of, and downloads."""
    ending = ending_of(asked.target)
    return Refused(LeftOut.STATIC_FILE, ending) if ending in STATIC else None


REFUSALS: tuple[Callable[[Exchange], Refused | None], ...] = (
    refuse_answers,
    refuse_methods,
    refuse_static_files,
)


def ending_of(target: str) -> str:
    """The extension of a request's path, in lower case."""
    path = target.partition("?")[0].partition("#")[0]
    return splitext(path)[1][1:].lower()


def row_of(hit: Hit, position: int) -> Row:
    """The hit as a row of SPOOLED."""
    record = hit.record
    touch = astuple(record.touch)
    return (
        record.time,
        record.day,
        record.site,
        record.name,
        record.hostname,
        record.path,
        record.title,
        *touch[:8],
        *astuple(record.place),
        *astuple(record.client),
        *touch[8:],
        record.props,
        record.engaged,
        record.scroll,
        record.revenue,
        record.currency,
        number_of(hit.visitor),
        int(hit.kind),
        position,
    )


def number_of(visitor: bytes) -> int:
    """A visitor's hash as the number that is stored in the spool."""
    return int.from_bytes(visitor[:8], "big", signed=True)
