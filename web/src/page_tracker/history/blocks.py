"""A block of log lines into page views, and the count of what was left out.

    line → Request → refused by its answer, method, file or host
                   → RawHit → enrich, as every hit is → Hit | Drop
                   → a row of SPOOLED

Pure. What is looked up is looked up once for each distinct value: the caches are those
of enrichment. Address and user agent end here, in a hash whose key nobody keeps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from posixpath import splitext
from typing import Any, NamedTuple

from msgspec.structs import astuple

from page_tracker.collect.address import address_of
from page_tracker.collect.enrich import Known, enrich
from page_tracker.collect.hit import Drop, Hit, RawHit, Sender
from page_tracker.collect.lookups import Lookups
from page_tracker.history.formats import Format, Request
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
    # Which of the lines are malformed, from 0.
    malformed: list[int]


class _DayKeys(dict[tuple[str, int], bytes]):
    """A key for each of the site's days, drawn from the import's random one."""

    def __init__(self, key: bytes) -> None:
        super().__init__()
        self._key = key

    def __missing__(self, day: tuple[str, int]) -> bytes:
        key = blake2b(repr(day).encode(), digest_size=32, key=self._key).digest()
        return self.setdefault(day, key)


@dataclass(frozen=True)
class Sieve:
    """Takes the page views of one site out of log lines."""

    site: Site
    log_format: Format
    known: Known = field(repr=False)

    @classmethod
    def of(cls, site: Site, log_format: Format, lookups: Lookups, key: bytes) -> Sieve:
        """`key`: 16 to 64 random bytes, the same for all blocks of an import."""
        if not log_format.has_user_agent:
            lookups = replace(lookups, bot_of=lambda _: None)
        known = Known(Directory([site]), _DayKeys(key), lookups)
        return cls(site, log_format, known)

    def sift(self, lines: Sequence[str], position: int) -> Block:
        """Take the page views out of lines, the first of which stands at `position`."""
        rows, malformed = [], []
        left_out: Counter[str] = Counter()
        read = self.log_format.read
        for number, line in enumerate(lines):
            request = read(line)
            if request is None:
                left_out[LeftOut.MALFORMED] += 1
                malformed.append(number)
                continue
            found = self._sifted(request)
            if isinstance(found, Hit):
                rows.append(row_of(found, position + number))
            else:
                left_out[found] += 1
        return Block(rows, left_out, malformed)

    def _sifted(self, request: Request) -> Hit | str:
        for refuse in REFUSALS:
            if reason := refuse(request):
                return reason
        raw = self.raw_hit(request)
        if isinstance(raw, LeftOut):
            return raw
        hit = enrich(raw, sender_of(request), request.time, self.known)
        return hit.reason if isinstance(hit, Drop) else hit

    def raw_hit(self, request: Request) -> RawHit | LeftOut:
        """The page view that a request asks for, where it is one of this site's."""
        site, target, host = self.site, request.target, request.host
        if not target.startswith("/"):  # a whole address, as proxies are asked
            scheme, separator, rest = target.partition("://")
            if not separator or scheme not in ("http", "https"):
                return LeftOut.ERROR
            host, slash, target = rest.partition("/")
            target = slash + target
        if host and self.known.directory.resolve(host) is None:
            return LeftOut.OTHER_HOST
        url = f"https://{host or site.id}{target}"
        return RawHit(site=site.id, url=url, referrer=request.referrer)


def refuse_answers(request: Request) -> LeftOut | None:
    """Errors, redirects, and what shows nothing; a page that the browser still has
    (304) was seen."""
    status = request.status
    if 200 <= status < 300 or status == 304:
        return None
    return LeftOut.REDIRECT if 300 <= status < 400 else LeftOut.ERROR


def refuse_methods(request: Request) -> LeftOut | None:
    """What is not asked for by GET is not looked at."""
    return None if request.method == "GET" else LeftOut.METHOD


def refuse_static_files(request: Request) -> LeftOut | None:
    """What pages are made of, and downloads."""
    return LeftOut.STATIC_FILE if is_static(request.target) else None


REFUSALS: tuple[Callable[[Request], LeftOut | None], ...] = (
    refuse_answers,
    refuse_methods,
    refuse_static_files,
)


@lru_cache(_CACHED)
def is_static(target: str) -> bool:
    """Whether a request's path ends as those of files do that are no pages."""
    path = target.partition("?")[0].partition("#")[0]
    return splitext(path)[1][1:].lower() in STATIC


def sender_of(request: Request) -> Sender:
    return Sender(_address_of(request.address), request.user_agent)


@lru_cache(_CACHED)
def _address_of(text: str) -> str:
    return address_of(text) or text


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
