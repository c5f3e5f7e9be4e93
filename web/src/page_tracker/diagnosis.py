"""Checks everything that must be right for hits to be counted and kept.

Each check looks at one thing and yields findings; each is fine or tells what to do.
A check that fails itself is a finding too.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import msgspec
from redis import Redis, RedisError

from page_tracker.collect.spool_file import SpoolState
from page_tracker.days import DAY_SECONDS, MICROSECONDS
from page_tracker.errors import InvalidValueError, PageTrackerError
from page_tracker.files import sync
from page_tracker.flags.file import NAME, definitions
from page_tracker.plural import counted
from page_tracker.sites.site import day_of
from page_tracker.store.clients import Server, primaries
from page_tracker.store.counters import Live
from page_tracker.store.pass_record import UpkeepRecord
from page_tracker.store.redis_health import durability_notice, redis_problem
from page_tracker.store.registry import Registry
from page_tracker.store.stream import Stream
from page_tracker.store.tokens import Tokens

ANSWER_SECONDS = 5.0
LEAST_ROOM = 1_000_000_000  # bytes
LONGEST_LAG = 60.0  # seconds
LONGEST_UPKEEP = 3600.0  # seconds since a pass succeeded
NEARLY_FULL = 0.8
LONGEST_SKEW = 1.0  # seconds
OLDEST_LOOKUPS = 180  # days
MORE_MEMORY = "raise PAGE_TRACKER_REDIS_MEMORY, or its maxmemory where it is your own"
UNANSWERED = (OSError, HTTPException, ValueError)
SHOWN = 60  # characters of a name that somebody sent
EARLIEST = 1_700_000_000  # a clock before November 2023 was never set


class Finding(NamedTuple):
    """What a check found; `remedy` is empty if all is well."""

    name: str
    message: str
    remedy: str = ""


class Patient(msgspec.Struct, frozen=True):
    """What is checked; `urls` are where the web server is tried."""

    data: Path
    lake: Path | None
    cache: Path | None  # of copies, if not in the data folder
    # What in the lake is damaged, or was: one line each; and where that is kept.
    damages: Callable[[], Iterable[str]]
    damaged: str
    redis: Redis
    registry: Registry
    live: Live
    streams: Sequence[Stream]
    # How many rows may wait in each.
    most_in_stream: int
    # What waits on this machine's disk while Redis is away.
    spool: Callable[[], SpoolState]
    urls: Sequence[str]
    # Whether questions are answered, where that is elsewhere.
    reports: Callable[[], Iterator[Finding]]
    # Why Redis is not available, if that is known.
    trouble: PageTrackerError | None = None


def examine(patient: Patient) -> Iterator[Finding]:
    """Run every check."""
    for name, check in CHECKS.items():
        try:
            yield from check(patient)
        except RedisError:
            yield Finding(name, "cannot be checked without Redis", "see Redis above")
        except (PageTrackerError, OSError) as error:
            yield Finding(name, f"cannot be checked: {error}", "see the other lines")


def folder(patient: Patient) -> Iterator[Finding]:
    """The data folder, the lake and its copies can be written, and have space."""
    places = {"data folder": patient.data, "lake": patient.lake, "cache": patient.cache}
    for name, path in [(name, path) for name, path in places.items() if path]:
        # The lake is created with the first hit, and the cache with the first copy.
        there = path if path.exists() else path.parent
        try:
            with NamedTemporaryFile(dir=there) as probe:
                probe.write(b"page-tracker")
                probe.flush()
                sync(Path(probe.name))
        except OSError as error:
            yield Finding(
                name,
                f"{path} cannot be written ({error.strerror})",
                "give it back to the user that runs Page Tracker, or make room",
            )
            continue
        room = shutil.disk_usage(there).free
        message = f"{path} can be written; {room / 1e9:.1f} GB are free"
        yield Finding(name, message, "make room" if room < LEAST_ROOM else "")


def lake_files(patient: Patient) -> Iterator[Finding]:
    """Every file of the lake is there, with its full size; none was ever lost."""
    lines = list(patient.damages())
    if not lines:
        yield Finding("lake's files", "all are there, whole")
    for line in lines:
        remedy = "put back what a backup has; then delete " + patient.damaged
        yield Finding("lake's files", line, f"{remedy}, which remembers this")


def redis(patient: Patient) -> Iterator[Finding]:
    """Redis accepts writes, has everything on disk, and evicts nothing."""
    if patient.trouble:
        yield Finding("Redis", patient.trouble.problem, patient.trouble.remedy)
        return
    if problem := redis_problem(patient.redis):
        yield Finding("Redis", problem, "start it, or correct REDIS_URL")
        return
    for server in primaries(patient.redis):
        yield _memory_of(server)
    notice = durability_notice(patient.redis)
    if notice is None:
        yield Finding("durability", "what is acknowledged is on disk")
    else:
        yield Finding("durability", notice.problem, notice.remedy)


def _memory_of(server: Server) -> Finding:
    name, known = server.name, cast(Any, server.client)
    software, memory = known.info("server"), known.info("memory")
    version = software.get("valkey_version") or software["redis_version"]
    used, most = memory["used_memory"], memory.get("maxmemory", 0)
    message = f"takes writes (version {version}, {used / 1e6:.0f} MB)"
    if most and used > NEARLY_FULL * most:
        return Finding(name, f"{message} of {most / 1e6:.0f} MB", MORE_MEMORY)
    if most and not memory["maxmemory_policy"].startswith("noev"):
        policy = memory["maxmemory_policy"]
        remedy = "set maxmemory-policy noeviction: it may throw hits away"
        return Finding(name, f"{message}, but may evict keys ({policy})", remedy)
    return Finding(name, message)


def sites(patient: Patient) -> Iterator[Finding]:
    """There is a site, and the mirror has it."""
    known = patient.registry.sites.read().entries
    mirrored = {site.id: site for site in patient.registry.mirror.read().sites}
    if not known:
        yield Finding("sites", "there is none", "page-tracker site add DOMAIN")
    else:
        yield Finding("sites", f"{len(known)}: {', '.join(sorted(known)[:5])}")
    if strangers := patient.live.unknown_sites(int(time.time() // DAY_SECONDS)):
        # Anybody can have sent these names: they are shown, and in no command.
        names = ", ".join(
            f"{each.name[:SHOWN] or '(no name)'} ({each.number})"
            for each in strangers[:5]
        )
        yield Finding(
            "unknown sites",
            f"hits arrived today for unknown sites and were not counted: {names}",
            "page-tracker site add DOMAIN, where one is yours; else correct the site"
            " that its pages name",
        )
    for site in known.values():
        day = day_of(site, int(time.time()) * MICROSECONDS)
        if folded := patient.live.folded(site.id, day):
            hits = counted(folded, "hit")
            message = (
                f"{hits} for {site.id} today came from visitors beyond the limit, who"
                " are counted as one"
            )
            remedy = "see PAGE_TRACKER_VISITORS_OF_ADDRESS, and Redis's memory"
            yield Finding("visitors", message, remedy)
    same = mirrored == dict(known)
    has = "has" if same else "does not have"
    message = f"{patient.registry.mirror.path} {has} all of them"
    yield Finding("mirror", message, "" if same else "change any site's setting")


def writer(patient: Patient) -> Iterator[Finding]:
    """What waits in Redis reaches the lake."""
    now = time.time()
    for stream in patient.streams:
        name = "writer" if len(patient.streams) == 1 else f"writer {stream.shard}"
        waiting, report = stream.waiting(), stream.record.last_report()
        aside = len(stream.aside())
        wait = f"{counted(waiting, 'row')} {'waits' if waiting == 1 else 'wait'}"
        if report is None and not waiting:
            yield Finding(name, "nothing waits, and no writer is at work")
        elif report is None:
            message = f"{wait}, and no writer is at work"
            yield Finding(
                name, message, "run page-tracker serve, or page-tracker writer"
            )
        elif report[1]:
            yield Finding(name, f"{wait}: {report[1]}", "see its log")
        elif now - report[0] / 1000 > LONGEST_LAG:
            message = f"{wait}; it was last at work {_ago(now, report[0])} ago"
            yield Finding(name, message, "start it again")
        else:
            yield Finding(name, f"{wait}; at work {_ago(now, report[0])} ago")
        if aside:
            yield Finding(
                name,
                f"{counted(aside, 'batch', 'batches')} could not be read, set aside",
                "page-tracker aside list",
            )


def spool(patient: Patient) -> Iterator[Finding]:
    """What web processes have kept on disk reaches Redis."""
    state = patient.spool()
    if state.since is None:
        yield Finding("spool", "no hits wait on disk for Redis")
    else:
        since = _ago(time.time(), round(state.since * 1000))
        remedy = (
            "check that Redis and a web process are running (the web process sends"
            " them)"
        )
        yield Finding("spool", f"{state.notice}, for {since}", remedy)
    for path in state.others:
        yield Finding(
            "spool",
            f"{path} has hits that are not stored",
            f"the log says why; rename it to {path.stem}.spool to try again, or delete"
            " it",
        )


def stream(patient: Patient) -> Iterator[Finding]:
    """What waits in Redis has room there, and does not wait for long."""
    now = time.time()
    for each in patient.streams:
        name = "stream" if len(patient.streams) == 1 else f"stream {each.shard}"
        waiting, since = each.waiting(), each.waiting_since()
        if waiting > NEARLY_FULL * patient.most_in_stream:
            message = f"{waiting} of at most {patient.most_in_stream} rows wait"
            remedy = "see the writer above: soon hits are refused"
            yield Finding(name, message, remedy)
        elif since and now - since / MICROSECONDS > LONGEST_LAG:
            message = f"a hit has waited {_ago(now, since // 1000)} for the lake"
            yield Finding(name, message, "see the writer above, and the lake's disk")
        else:
            yield Finding(name, "no hit waits for long")


def upkeep(patient: Patient) -> Iterator[Finding]:
    """Days are closed, files merged, and expired hits deleted."""
    now, done = time.time(), UpkeepRecord(patient.redis).read()
    if not done.succeeded:
        yield Finding("upkeep", "not run yet; a running writer does it every minute")
        return
    since = done.trouble and f"; then: {done.trouble}"
    message = f"it last succeeded {_ago(now, int(done.succeeded * 1000))} ago{since}"
    is_at_work = any(each.record.last_report() for each in patient.streams)
    is_late = is_at_work and now - done.succeeded > LONGEST_UPKEEP
    remedy = "see the writer's log; page-tracker upkeep tries it now" if is_late else ""
    yield Finding("upkeep", message, remedy)


def web(patient: Patient) -> Iterator[Finding]:
    """The web server answers, and accepts hits."""
    if not patient.urls:
        remedy = "page-tracker serve; or name by --url where one runs"
        yield Finding("web", "no server is known on this data folder", remedy)
    for url in patient.urls:
        try:
            status, said = get(url, "/readyz", {})
        except UNANSWERED as error:
            yield Finding(
                "web", f"{url} does not answer ({error})", "check that it runs"
            )
            continue
        ready = said.decode(errors="replace").strip()
        if status == 200:
            yield Finding("web", f"{url} is ready")
        else:
            yield Finding("web", f"{url} is not ready: {ready}", "see its log")


def address(patient: Patient) -> Iterator[Finding]:
    """The web server sees visitors' addresses."""
    if not patient.urls:
        return
    tokens = Tokens(patient.registry)
    token, text = tokens.add("stats", None, "page-tracker doctor", days=1)
    try:
        for url in patient.urls:
            yield from _address_seen(url, text)
    finally:
        tokens.remove(token.id)


def _address_seen(url: str, token: str) -> Iterator[Finding]:
    try:
        bearer = {"Authorization": f"Bearer {token}"}
        status, said = get(url, "/api/address", bearer)
        seen = json.loads(said) if status == 200 else {}
    except UNANSWERED as error:
        yield Finding("address", f"{url} does not say ({error})", "check that it runs")
        return
    if "address" not in seen:
        message = f"{url} answers {status} to a token of this data folder"
        yield Finding("address", message, "check that it serves this data folder")
        return
    message = f"{url} sees us as {seen['address'] or 'nobody'}: {seen['why']}"
    unbelieved = "not believed" in seen["why"]
    remedy = "where that is your proxy, name it in PAGE_TRACKER_TRUSTED_PROXIES"
    yield Finding("address", message, remedy if unbelieved else "")


def lookups(patient: Patient) -> Iterator[Finding]:
    """Countries, bots and spam are up to date."""
    files = sorted((patient.data / "lookups").glob("[!.]*"))
    if not files:
        message = "using the lists shipped with this version"
        yield Finding("lookups", message)
    for file in files:
        age = (time.time() - file.stat().st_mtime) / DAY_SECONDS
        is_fetched = file.suffix != ".toml"  # those are the owner's own tables
        old = is_fetched and age > OLDEST_LOOKUPS
        remedy = "page-tracker update" if old else ""
        days = counted(round(age), "day")
        yield Finding("lookups", f"{file.name} is {days} old", remedy)


def flags(patient: Patient) -> Iterator[Finding]:
    path = patient.data / NAME
    try:
        definitions(path.read_bytes())
    except FileNotFoundError:
        return
    except InvalidValueError as error:
        yield Finding("flags", f"{path}: {error.problem}", error.remedy)
    else:
        yield Finding("flags", f"{path} is in use")


def clock(patient: Patient) -> Iterator[Finding]:
    """The clock is set, and agrees with Redis's."""
    before = time.time()
    skew = max((each.skew() for each in primaries(patient.redis)), key=abs)
    message = f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} UTC"
    if before < EARLIEST:
        yield Finding("clock", message, "set it: hits would land in the past")
    elif abs(skew) > LONGEST_SKEW:
        message += f"; Redis is {skew:+.1f} s off"
        yield Finding("clock", message, "have both machines' clocks set by NTP")
    else:
        yield Finding("clock", message)


CHECKS: dict[str, Callable[[Patient], Iterator[Finding]]] = {
    "data folder": folder,
    "lake's files": lake_files,
    "Redis": redis,
    "sites": sites,
    "spool": spool,
    "writer": writer,
    "stream": stream,
    "upkeep": upkeep,
    "reports": lambda patient: patient.reports(),
    "web": web,
    "address": address,
    "lookups": lookups,
    "flags": flags,
    "clock": clock,
}


def get(url: str, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """Status and body of an answer. Raises one of UNANSWERED."""
    at = urlsplit(url)
    kind = HTTPSConnection if at.scheme == "https" else HTTPConnection
    connection = kind(at.netloc, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", f"{at.path}{path}", headers=headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _ago(now: float, milliseconds: int) -> str:
    return f"{max(0, now - milliseconds / 1000):.0f} s"
