"""A block of log lines into page views, and the count of what was left out.

    line → Request → the page's address, or refused by its answer, method, file or host
                   → RawHit → enrich, as every hit is → Hit | Drop
                   → a row of SPOOLED

Pure. What is looked up or judged is so once for each distinct value: the caches are
those of enrichment, and one of what was asked for. Address and user agent end here, in
a hash whose key nobody keeps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from posixpath import splitext
from typing import Any, NamedTuple

from msgspec.structs import astuple

from page_tracker.collect.enrich import Known, enrich
from page_tracker.collect.hit import Drop, Hit, RawHit, Sender
from page_tracker.collect.lookups import Lookups
from page_tracker.history.formats import Asked, Format
from page_tracker.history.visits import FOUND
from page_tracker.schema import HITS, Column
from page_tracker.site import Directory, Site

# What a page view brings itself, and how its visit is found.
SPOOLED: tuple[Column, ...] = (
    *(column for column in HITS if column.name not in FOUND),
    Column("who", "int64", "the visitor: a keyed hash"),
    Column("kind", "int32", "a Kind"),
    Column("position", "int64", "where its line stands in the import"),
)

_CACHED = 65_536
# So many malformed lines are told by number.
TOLD = 10

# Endings of what a page is made of, and of files that are no pages.
STATIC = frozenset("""
    css js mjs map json xml txt rss atom wasm webmanifest
    png jpg jpeg gif svg webp avif ico bmp tif tiff heic
    woff woff2 ttf otf eot
    mp3 mp4 m4a m4v ogg ogv oga opus wav flac webm avi mov mkv mpg mpeg swf
    pdf ps doc docx xls xlsx ppt pptx odt ods odp epub rtf csv
    zip gz tgz bz2 xz zst tar rar 7z jar war deb rpm apk dmg msi exe iso bin img
    """.split())


class LeftOut(StrEnum):
    """Why a line is no page view; `Reason` has those that other hits know too."""

    MALFORMED = "malformed"
    # The last line of a log that somebody is just writing: for the next time.
    UNFINISHED = "unfinished"
    ERROR = "error"
    REDIRECT = "redirect"
    METHOD = "method"
    STATIC_FILE = "static_file"
    OTHER_HOST = "other_host"
    # Lines that an import has brought already.
    KNOWN = "known"


class Block(NamedTuple):
    """What became of a block of lines."""

    rows: list[tuple[Any, ...]]
    left_out: Counter[str]
    # Which lines are malformed, from 0: the first TOLD of them.
    malformed: list[int]
    # Those of `left_out` that a server would have dropped too.
    drops: Counter[Drop]


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

    def __init__(self, site: Site, log_format: Format, known: Known) -> None:
        self.site = site
        self.log_format = log_format
        self.known = known
        self._page_of = lru_cache(_CACHED)(self.page_of)

    @classmethod
    def of(cls, site: Site, log_format: Format, lookups: Lookups, key: bytes) -> Sieve:
        """`key`: 16 to 64 random bytes, the same for all blocks of an import."""
        if not log_format.has_user_agent:
            lookups = replace(lookups, bot_of=lambda _: None)
        known = Known(Directory([site]), _DayKeys(key), lookups)
        return cls(site, log_format, known)

    def sift(self, text: str, position: int) -> Block:
        """Take the page views out of lines, the first of which stands at `position`."""
        rows: list[tuple[Any, ...]] = []
        malformed: list[int] = []
        left_out: Counter[str] = Counter()
        drops: Counter[Drop] = Counter()
        for number, found in enumerate(self.hits(text)):
            if isinstance(found, Hit):
                rows.append(row_of(found, position + number))
                continue
            if isinstance(found, Drop):
                drops[found] += 1
                left_out[found.reason] += 1
                continue
            left_out[found] += 1
            if found == LeftOut.MALFORMED and len(malformed) < TOLD:
                malformed.append(number)
        return Block(rows, left_out, malformed, drops)

    def hits(self, text: str) -> Iterator[Hit | Drop | LeftOut]:
        """What each line is: a page view, or why it is none."""
        for request in self.log_format.read_lines(text):
            if request is None:
                yield LeftOut.MALFORMED
                continue
            page = self._page_of(request.asked)
            if isinstance(page, LeftOut):
                yield page
                continue
            raw = RawHit(site=self.site.id, url=page, referrer=request.referrer)
            sender = Sender(request.address, request.user_agent)
            yield enrich(raw, sender, request.time, self.known)

    def page_of(self, asked: Asked) -> str | LeftOut:
        """The address of the page that was asked for, where it is one of this site's
        and was shown."""
        for refuse in REFUSALS:
            if reason := refuse(asked):
                return reason
        target, host = asked.target, asked.host
        if not target.startswith("/"):  # a whole address, as proxies are asked
            scheme, separator, rest = target.partition("://")
            if not separator or scheme not in ("http", "https"):
                return LeftOut.ERROR
            host, slash, target = rest.partition("/")
            target = slash + target
        if host and self.known.directory.resolve(host) is None:
            return LeftOut.OTHER_HOST
        return f"https://{host or self.site.id}{target}"


def refuse_answers(asked: Asked) -> LeftOut | None:
    """Errors, redirects, and what shows nothing; a page that the browser still has
    (304) was seen."""
    status = asked.status
    if 200 <= status < 300 or status == 304:
        return None
    return LeftOut.REDIRECT if 300 <= status < 400 else LeftOut.ERROR


def refuse_methods(asked: Asked) -> LeftOut | None:
    """What is not asked for by GET is not looked at."""
    return None if asked.method == "GET" else LeftOut.METHOD


def refuse_static_files(asked: Asked) -> LeftOut | None:
    """What pages are made of, and downloads."""
    return LeftOut.STATIC_FILE if is_static(asked.target) else None


REFUSALS: tuple[Callable[[Asked], LeftOut | None], ...] = (
    refuse_answers,
    refuse_methods,
    refuse_static_files,
)


def is_static(target: str) -> bool:
    """Whether a request's path ends as those of files do that are no pages."""
    path = target.partition("?")[0].partition("#")[0]
    return splitext(path)[1][1:].lower() in STATIC


def row_of(hit: Hit, position: int) -> tuple[Any, ...]:
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
        int.from_bytes(hit.visitor[:8], "big", signed=True),
        int(hit.kind),
        position,
    )
