"""What `page-tracker support` packs: each part is there, or says why it is not."""

from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from redis import RedisError

from page_tracker.diagnosis import UNANSWERED, examine, get
from page_tracker.errors import PageTrackerError
from page_tracker.processes.embedded import LOG_NAME
from page_tracker.settings import Settings, is_in_bucket
from page_tracker.sites.site import Site
from page_tracker.support_pack import (
    Mask,
    findings_as_text,
    last_lines,
    settings_as_text,
    sizes,
    versions,
)
from page_tracker.wiring.diagnosing import patient_of_folder
from page_tracker.wiring.store import open_redis, open_registry

FAILURES = (PageTrackerError, RedisError, *UNANSWERED)


class Parts(msgspec.Struct, frozen=True):
    """Texts by the names of their files, and what to hide in them."""

    texts: dict[str, str]
    mask: Mask


def parts_of(settings: Settings, log: str | None) -> Parts:
    """Look at everything; `log` is the server's log, if it is given."""
    makers: dict[str, Callable[[], Iterable[str]]] = {
        "doctor.txt": lambda: _doctor(settings),
        "versions.txt": versions,
        "settings.txt": lambda: settings_as_text(settings),
        "data-folder.txt": lambda: sizes(settings.data),
        "lake.txt": lambda: _lake(settings),
        "redis-log.txt": lambda: _redis_log(settings),
        "metrics.txt": lambda: _metrics(settings),
    }
    texts = {name: _made(maker) for name, maker in makers.items()}
    if log is not None:
        texts["log.txt"] = "\n".join(last_lines(log))
    host = urlsplit(settings.url or "").hostname or ""
    return Parts(texts, Mask(_names(settings), host, str(Path.home())))


def _lake(settings: Settings) -> Iterable[str]:
    if is_in_bucket(settings):
        return ["it lies in a bucket"]
    return sizes(Path(settings.lake or settings.data / "lake"))


def _made(maker: Callable[[], Iterable[str]]) -> str:
    try:
        return "\n".join(maker())
    except FAILURES as error:
        return f"not available: {error}"


def _doctor(settings: Settings) -> Iterable[str]:
    with patient_of_folder(settings) as patient:
        return list(findings_as_text(examine(patient)))


def _redis_log(settings: Settings) -> Iterable[str]:
    file = settings.data / LOG_NAME
    return last_lines(file.read_text("utf-8", errors="replace"))


def _metrics(settings: Settings) -> Iterable[str]:
    if settings.metrics is None:
        return ["PAGE_TRACKER_METRICS is not set"]
    host, port = settings.metrics
    reached = f"[{host}]" if ":" in host else host
    _, text = get(f"http://{reached}:{port}", "/metrics", {})
    return [text.decode()]


def _names(settings: Settings) -> set[str]:
    """All that sites are called, as far as the mirror can be read."""
    try:
        with open_redis(settings) as redis:
            sites = open_registry(settings, redis).mirror.read().sites
    except FAILURES:
        return set()
    return {name for site in sites for name in _names_of(site)}


def _names_of(site: Site) -> tuple[str, ...]:
    return site.id, *site.hostnames, *site.aliases
