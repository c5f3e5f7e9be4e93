"""Whatever the bytes of a log are: counts that add up, or one line for a person."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from page_tracker.errors import LogFileError
from page_tracker.history import workers
from page_tracker.history.follow import LogFollower, Store
from page_tracker.history.formats import FORMATS
from page_tracker.history.imports import Order
from page_tracker.history.wanted import Wanted, Whose
from page_tracker.hits.facts import Lookups
from page_tracker.lookups.load import (
    load,
)
from page_tracker.sites.site import Site
from page_tracker.store.ingest import Bounds, submit
from page_tracker.store.shards import Division
from support.drawing import examples
from support.importing import AGENT, History

NULS = b"\0" * 3_000_000

ADDRESSES = st.sampled_from(
    "192.0.2.1 198.51.100.7 2001:db8::1 [2001:db8::2]:80 ::ffff:192.0.2.9 10.0.0.1:5 - "
    "unix: crawl.example.net 999.1.1.1 fe80::1%eth0 \0192.0.2.1 1 ::".split(" ")
)
REQUESTS = st.sampled_from(
    (
        "GET / HTTP/1.1",
        "GET /a?b=c HTTP/2.0",
        "GET http://[x/ HTTP/1.1",
        "GET //[ HTTP/1.0",
        "GET https://example.com:99999999999/ HTTP/1.1",
        r"GET /\xc3\xbc\" HTTP/1.1",
        "POST / HTTP/1.1",
        r"\x16\x03\x01",
        "-",
        "",
    )
)
WORDS = st.one_of(
    st.sampled_from(["-", "", AGENT, "https://example.org/", "http://[x", "\\", "\0"]),
    st.text(max_size=8),
)
TIMES = st.sampled_from(
    (
        "31/Jan/2026:13:00:05 +0100",
        "01/Jan/1990:00:00:00 +0000",
        "31/Dec/2099:23:59:59 -1200",
        "31/Feb/2026:13:00:05 +0100",
        "31/Jan/2026:13:00:05 +9999",
        "",
    )
)
ISO_TIMES = st.sampled_from(("2026-01-31T13:00:05+01:00", 1769860805.25, "1e999", None))


def clf(host: str, address: str, time: str, asked: str, said: tuple[str, str]) -> str:
    return f'{host}{address} - - [{time}] "{asked}" 200 5 "{said[0]}" "{said[1]}"'


def common(address: str, time: str, asked: str) -> str:
    return f'{address} - - [{time}] "{asked}" 200 5'


def as_json(values: dict[str, Any]) -> str:
    texts = (f'"{name}":{_json(value)}' for name, value in values.items())
    return "{" + ",".join(texts) + "}"


def _json(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value or 0)


LINES = st.one_of(
    st.builds(
        clf,
        st.sampled_from(["", "example.com ", "example.org:80 ", "- ", "[::1]:8 "]),
        ADDRESSES,
        TIMES,
        REQUESTS,
        st.tuples(WORDS, WORDS),
    ),
    st.builds(common, ADDRESSES, TIMES, REQUESTS),
    st.fixed_dictionaries(
        {"remote_addr": ADDRESSES, "time": ISO_TIMES, "request": REQUESTS},
        optional={"status": st.just(200), "host": WORDS, "http_user_agent": WORDS},
    ).map(as_json),
    st.text(max_size=30),
).map(lambda text: text.encode("utf-8", "surrogatepass"))
PIECES = st.one_of(
    LINES,
    LINES.map(lambda line: b"\0\0" + line),
    st.binary(max_size=30),
    st.just(b""),
)
BEGINNINGS = st.sampled_from([b"", b"\xef\xbb\xbf", b"\0" * 5, NULS])
ENDS = st.sampled_from([b"\n", b"\r\n", b""])
LOGS = st.builds(
    lambda beginning, pieces, end: beginning + b"\n".join(pieces) + end,
    BEGINNINGS,
    st.lists(PIECES, min_size=1, max_size=12),
    ENDS,
)


WANTED = st.builds(
    Wanted,
    st.sampled_from([None, None, *FORMATS]),
    st.sampled_from([None, *get_args(Whose)]),
    st.sampled_from([True, True, False]),
)


@pytest.fixture(scope="module")
def lookups() -> Lookups:
    return load()


@pytest.fixture(name="site")
def own_and_blocked() -> Site:
    return Site(
        id=f"{secrets.token_hex(4)}.example",
        hostnames=("example.com",),
        own_addresses=("192.0.2.0/25", "2001:db8::/64"),
        blocked_addresses=("198.51.100.7",),
        blocked_countries=("KP",),
        blocked_pages=("/a*",),
    )


# Seconds in a usual run, minutes in a long one.
SOME = settings(
    max_examples=examples(50, long=3_000),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.timeout(900)
def test_a_log_of_any_bytes_ends_in_counts_that_add_up_or_in_one_line(
    tmp_path: Path,
    redis_client: Redis,
    lookups: Lookups,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "load", lambda _: lookups)
    history = History(tmp_path / "data", redis_client, site)
    log = tmp_path / "access.log"

    @SOME
    @given(LOGS, WANTED)
    def check(content: bytes, wanted: Wanted) -> None:
        log.write_bytes(content)
        order = Order(site, [str(log)], wanted)
        try:
            tally = history.imports.rehearse(order, tmp_path)
        except LogFileError as refused:
            assert "\n" not in str(refused)
            return
        lines = content.replace(b"\0", b"").split(b"\n")
        assert tally.lines == len(lines) - (not lines[-1])
        assert tally.lines == tally.pageviews + sum(tally.left_out.values())
        assert sum(tally.views.values()) == tally.pageviews
        told = sum((tally.refused + tally.drops).values())
        plainly = sum(tally.left_out[each] for each in ("malformed", "unfinished"))
        assert told + plainly == sum(tally.left_out.values())

    check()  # pylint: disable=no-value-for-parameter  # hypothesis draws it


@pytest.fixture
def followed(
    tmp_path: Path, redis_client: Redis, lookups: Lookups, site: Site
) -> Iterator[Callable[[bytes, Wanted], tuple[int, int]]]:
    """Follow what is written; answers lines, and page views and what was left out."""
    store = Store(
        partial(submit, redis_client),
        lambda *_: b"x" * 16,
        lambda: site,
        Division,
        Bounds(),
    )

    def follow(content: bytes, wanted: Wanted) -> tuple[int, int]:
        log = tmp_path / f"{secrets.token_hex(8)}.log"
        log.touch()
        stop = threading.Event()
        folder = tmp_path / "state"

        def follower() -> LogFollower:
            return LogFollower(folder, log, wanted, store, lookups, lambda _: None)

        stop.set()
        follower().run(stop)  # from here on its lines count
        log.write_bytes(content)
        counted = follower().run(_AtItsEnd(log))
        return counted.lines, counted.pageviews + sum(counted.left_out.values())

    yield follow


class _AtItsEnd(threading.Event):
    """Is set as soon as somebody would wait for more lines."""

    def __init__(self, _log: Path) -> None:
        super().__init__()

    def wait(self, timeout: float | None = None) -> bool:
        self.set()
        return True


@pytest.mark.timeout(900)
def test_following_a_log_of_any_bytes_ends_in_the_same_way(
    followed: Callable[[bytes, Wanted], tuple[int, int]],
) -> None:
    @SOME
    @given(LOGS, WANTED)
    def check(content: bytes, wanted: Wanted) -> None:
        try:
            lines, accounted = followed(content, wanted)
        except LogFileError as refused:
            assert "\n" not in str(refused)
            return
        assert lines == accounted
        assert lines == content.replace(b"\0", b"").count(b"\n")

    check()  # pylint: disable=no-value-for-parameter  # hypothesis draws it
