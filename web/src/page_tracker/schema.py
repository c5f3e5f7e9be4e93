"""The lake's tables: every column, its type, its limit and its meaning.

The write side and the read side meet here and nowhere else. Pure: the lake turns
these into Delta tables, the query layer into SQL names.
"""

from __future__ import annotations

from typing import Literal

import msgspec

ColumnType = Literal["string", "int32", "int64", "bool", "date", "timestamp", "map"]


class Column(msgspec.Struct, frozen=True):
    """One column of a table; `limit` is the most characters that it stores."""

    name: str
    type: ColumnType
    description: str
    limit: int | None = None
    nullable: bool = False


# Properties of an event: how many, and how long keys and values may be.
PROPS_LIMIT = 30
PROP_KEY_LIMIT = 300
PROP_VALUE_LIMIT = 2000

# `visitor` and `visit` are 64 bits: the origin in the high half, a running number
# of the site's day in the low half.
ORIGIN_BITS = 31
NUMBER_BITS = 32

HITS: tuple[Column, ...] = (
    Column("time", "timestamp", "when it happened, UTC, microseconds"),
    Column("day", "date", "the site's local date"),
    Column("site", "string", "the site's id", 253),
    Column(
        "name",
        "string",
        "pageview, engagement, or an event's name; `step` and `view` say which it is",
        120,
    ),
    Column("hostname", "string", "host of the page", 253),
    Column(
        "path", "string", "path of the page, with its hash route if it has one", 2000
    ),
    Column("title", "string", "title of the page", 512),
    Column("visitor", "int64", "origin and running number of the visitor in the day"),
    Column("visit", "int64", "origin and running number of the visit in the day"),
    Column("step", "int32", "1 for the visit's first hit, 2 …; 0 for engagements"),
    Column("view", "int32", "1 for the visit's first page view, 2 …; 0 for all else"),
    Column(
        "interaction",
        "int32",
        "1 for the visit's first page view or interactive event, 2 …; 0 for all else",
    ),
    Column(
        "since",
        "int32",
        "milliseconds since the visit's previous page view or event; 0 on its first"
        " and on engagements",
    ),
    Column("elapsed", "int32", "milliseconds since the visit began"),
    Column("arrival", "bool", "true on the visitor's first hit of the day"),
    Column("previous", "string", "path of the visit's page view before this one", 2000),
    Column("previous_hostname", "string", "host of that page", 253),
    Column("entry_path", "string", "path of the visit's step 1", 2000),
    Column("entry_hostname", "string", "host of that page", 253),
    Column("referrer", "string", "referring page of the visit, without scheme", 2000),
    Column("source", "string", "where the visit came from, by name", 255),
    Column("channel", "string", "kind of that source", 32),
    Column("utm_source", "string", "of the visit's first page", 255),
    Column("utm_medium", "string", "of the visit's first page", 255),
    Column("utm_campaign", "string", "of the visit's first page", 255),
    Column("utm_content", "string", "of the visit's first page", 255),
    Column("utm_term", "string", "of the visit's first page", 255),
    Column("country", "string", "ISO 3166-1 code of two letters", 2),
    Column("region", "string", "ISO 3166-2 code, or its name where there is none", 64),
    Column("city", "string", "name of the city", 128),
    Column(
        "device", "string", "Desktop, Mobile, Tablet, TV, Console, Headset or empty", 32
    ),
    Column("browser", "string", "browser's name", 64),
    Column("browser_version", "string", "major version", 32),
    Column("os", "string", "operating system's name", 64),
    Column("os_version", "string", "its version", 32),
    Column(
        "screen", "string", "class of the screen's width, of the visit's first hit", 32
    ),
    Column(
        "language",
        "string",
        "first language asked for, as in BCP 47, of the visit's first hit",
        35,
    ),
    Column("props", "map", "properties of the event"),
    Column("engaged", "int32", "engaged milliseconds; engagements only", nullable=True),
    Column(
        "scroll", "int32", "scroll depth in percent; engagements only", nullable=True
    ),
    Column("revenue", "int64", "thousandths of a unit of `currency`", nullable=True),
    Column("currency", "string", "ISO 4217 code of three letters", 3),
    Column("month", "string", "YYYY-MM of `day`; the partition", 7),
)

DROPS: tuple[Column, ...] = (
    Column("day", "date", "the site's local date"),
    Column("site", "string", "the site's id; the name that was sent if unknown", 253),
    Column("reason", "string", "why these were no hits", 32),
    Column("name", "string", "which bot, host, address range …", 120),
    Column("number", "int64", "how many"),
    Column("month", "string", "YYYY-MM of `day`; the partition", 7),
)

# For each dimension's values, and for the site as a whole (dimension ''), the sums.
DAYS: tuple[Column, ...] = (
    Column("site", "string", "the site's id", 253),
    Column("day", "date", "the site's local date"),
    Column("dimension", "string", "name of the dimension; '' is the site as a whole"),
    Column("value", "string", "the dimension's value", 2000),
    Column("hits_version", "int64", "version of the hits that this was made from"),
    Column("origin", "int64", "0, or the import that brought totals"),
    Column("visitors", "int64", "distinct visitors with a hit of this value"),
    Column("visits", "int64", "distinct visits with a hit of this value"),
    Column("views", "int64", "page views"),
    Column("events", "int64", "page views and events"),
    Column("entered", "int64", "visits; by page and host, those that entered there"),
    Column("entered_views", "int64", "page views of these visits"),
    Column("bounces", "int64", "those of these visits that bounced"),
    Column("since", "int64", "milliseconds of these visits"),
    Column("scroll", "int64", "sum over visits of the deepest scroll, in percent"),
    Column("scrolled", "int64", "how many visits that is"),
    Column("engaged", "int64", "engaged milliseconds"),
    Column("engaged_visits", "int64", "how many visits that is"),
    Column("month", "string", "YYYY-MM of `day`; the partition", 7),
)

# The attributes of a visit, which all its hits bear.
OF_A_VISIT = (
    *("entry_path", "entry_hostname", "referrer", "source", "channel", "utm_source"),
    *("utm_medium", "utm_campaign", "utm_content", "utm_term", "country", "region"),
    *("city", "device", "browser", "browser_version", "os", "os_version", "screen"),
)

# What a visitor's visits of a day may differ in: of each value one is the first. A
# visit's `firsts` has a bit for each, from the lowest; `path` is the page that it
# entered by, which it has a hit on.
FIRSTS = (
    *("path", "entry_path", "entry_hostname", "exit_path", "exit_hostname", "referrer"),
    *("source", "channel", "utm_source", "utm_medium", "utm_campaign", "utm_content"),
    *("utm_term", "screen"),
)

# For each visit of a closed day its attributes, and the sums over its hits.
VISITS: tuple[Column, ...] = (
    Column("day", "date", "the site's local date"),
    Column("site", "string", "the site's id", 253),
    Column(
        "visitor",
        "int64",
        "as in `hits`; null if this is the visitor's only visit of the day",
        nullable=True,
    ),
    Column("visit", "int64", "as in `hits`"),
    Column(
        "firsts",
        "int32",
        "which values of FIRSTS no earlier visit of the visitor's day has; null if"
        " these visits differ in what is a visitor's own, as a device, or are many",
        nullable=True,
    ),
    *(column for column in HITS if column.name in OF_A_VISIT),
    Column("exit_path", "string", "path of its last page view, if it has one", 2000),
    Column("exit_hostname", "string", "host of that page", 253),
    Column("arrivals", "int32", "1 if it has the visitor's first hit of the day"),
    Column("entered", "int32", "1 if it has its first hit, which it always should"),
    Column("views", "int32", "page views"),
    Column("events", "int32", "page views and events"),
    Column("entry_views", "int32", "page views of the page that it entered by"),
    Column("entry_events", "int32", "page views and events of that page"),
    Column("bounces", "int32", "1 if it bounced"),
    Column("since", "int64", "how long it lasted, in milliseconds"),
    Column("scroll", "int32", "deepest scroll in percent", nullable=True),
    Column("engaged", "int64", "engaged milliseconds", nullable=True),
    Column("month", "string", "YYYY-MM of `day`; the partition", 7),
)

# For each further page of each visit of a closed day, beside the one that it entered
# by, the sums over its hits.
PAGES: tuple[Column, ...] = (
    Column("day", "date", "the site's local date"),
    Column("site", "string", "the site's id", 253),
    Column("visit", "int64", "as in `hits`"),
    Column(
        "first",
        "bool",
        "whether no earlier visit of the visitor's day has this page; null as `firsts`",
        nullable=True,
    ),
    Column("path", "string", "path of the page, or (not set)", 2000),
    Column("views", "int32", "page views"),
    Column("events", "int32", "page views and events"),
    Column("month", "string", "YYYY-MM of `day`; the partition", 7),
)

LIMITS: dict[str, int] = {
    column.name: column.limit for column in HITS if column.limit is not None
}
