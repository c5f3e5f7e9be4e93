"""How settings are written: what each text must be, and what to write instead.

Every parser raises InvalidValueError.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from page_tracker.errors import InvalidValueError, SettingsError

DEFAULT_REDIS_URL = "redis://localhost:6379"
SHARDS_OF_CLUSTER = 24  # as few as fall evenly on its servers
MOST_DIGITS = 20  # of a number; Python refuses to parse thousands of them


@dataclass(frozen=True)
class Setting:
    """How one setting is written: `parse` raises InvalidValueError."""

    variable: str
    metavar: str
    default: str
    help: str
    parse: Callable[[str], Any]
    # Whether its value may not be shown.
    is_secret: bool = False


def setting(*described: Any, is_secret: bool = False, **default: Any) -> Any:
    """A field that is described by a `Setting` of these values."""
    metadata = {"setting": replace(Setting(*described), is_secret=is_secret)}
    # pylint: disable-next=invalid-field-call  # it is called within a dataclass
    return field(metadata=metadata, repr=not is_secret, **default)


def require_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidValueError("is not valid UTF-8", "write it in UTF-8") from error


_EXAMPLE = f"write one like {DEFAULT_REDIS_URL} or unix:///run/redis.sock"
_CLUSTER = re.compile(r"(rediss?)\+cluster://((?:.*@)?)([^@/?]*)(/0?)?(\?.*)?")


def parse_redis_url(text: str) -> str:
    """Accept what redis-py accepts: redis://, rediss:// and unix:// addresses; and
    redis+cluster:// and rediss+cluster:// with one or several nodes of a cluster."""
    if "+cluster:" not in text:
        return _parse_server_url(text)
    try:
        nodes = [_parse_server_url(node) for node in cluster_nodes(text)]
    except InvalidValueError:
        nodes = []
    if not nodes:
        raise InvalidValueError(
            "is not an address of a cluster",
            "write one like redis+cluster://10.0.0.1:6379,10.0.0.2:6379, without a"
            " database: a cluster has only one",
        )
    return text


def cluster_nodes(redis_url: str) -> list[str]:
    """Each node that a cluster's address names, as the address of a single server.

    `redis+cluster://[user:password@]host:port[,host:port…][?options]`; empty for an
    address of any other form.
    """
    found = _CLUSTER.fullmatch(redis_url)
    if not found:
        return []
    scheme, user, hosts, _, options = found.groups()
    return [f"{scheme}://{user}{host}{options or ''}" for host in hosts.split(",")]


def _parse_server_url(text: str) -> str:
    try:
        url = urlsplit(text)
        complete = url.path if url.scheme == "unix" else url.hostname
        port = url.port
    except ValueError as error:
        raise InvalidValueError("is not an address of Redis", _EXAMPLE) from error
    if url.scheme not in ("redis", "rediss", "unix") or not complete or port == 0:
        raise InvalidValueError("is not an address of Redis", _EXAMPLE)
    if url.scheme != "unix" and not (url.path.strip("/") or "0").isdecimal():
        raise InvalidValueError(
            "does not name a database by its number", f"{_EXAMPLE}/0"
        )
    return text


def parse_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 < seconds <= 60:
        raise InvalidValueError(
            "is not a number of seconds", "write more than 0 and at most 60, like 0.5"
        )
    return seconds


def whole_number(smallest: int, largest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        is_number = text.isascii() and text.isdecimal() and len(text) < MOST_DIGITS
        if not is_number or not smallest <= int(text) <= largest:
            raise InvalidValueError("is out of range", f"write {smallest} to {largest}")
        return int(text)

    return parse


# The lake's library makes a URL of a folder's path, and misreads these in it.
_NOT_OF_A_LAKE = re.compile(r"[\[\]^|\\\x00-\x1f]|%[0-9A-Fa-f]{2}")


def parse_path(text: str) -> Path:
    example = "write an absolute path, like /srv/page-tracker"
    if not text:
        raise InvalidValueError("is not a path", example)
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:  # ~ and a name that no user here has
        raise InvalidValueError(
            "begins with a user who does not exist", example
        ) from error
    except OSError as error:
        raise InvalidValueError(
            "begins in a folder that no longer exists", example
        ) from error


def parse_folder(text: str) -> Path:
    if "://" in text:
        raise InvalidValueError(
            "is an address, and no folder", "write a path, like /srv/page-tracker"
        )
    path = parse_path(text)
    if found := _NOT_OF_A_LAKE.search(str(path)):
        raise InvalidValueError(
            f"has {found[0]!r} in its path, where no table can be written",
            "choose a folder without such signs",
        )
    return path


# Names that need no encoding in an address: a bucket's, and those of folders in it.
_IN_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*/?")


def parse_lake(text: str) -> str:
    """A folder's path, or a bucket's address: s3://bucket or s3://bucket/prefix."""
    if "://" not in text:
        return str(parse_folder(text))
    if not _IN_BUCKET.fullmatch(text) or {".", ".."} & set(text.split("/")):
        raise InvalidValueError(
            "is neither a folder nor a bucket",
            "write a path, like /srv/page-tracker/lake, or s3://bucket/prefix with"
            " letters, digits, dots and hyphens",
        )
    return text.rstrip("/")


@dataclass(frozen=True)
class ServerAddress:
    """Where a database server answers by HTTP, and as whom to ask it.

    `lake` is where it finds the lake, if it knows that by another name than we do.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    is_encrypted: bool
    lake: str

    @property
    def name(self) -> str:
        return f"ClickHouse at {self.host}:{self.port}"


def parse_clickhouse(text: str) -> ServerAddress:
    """clickhouse://user:password@host:8123/database, or clickhouses:// for TLS; with
    ?lake=…, where the server finds the lake."""
    try:
        url = urlsplit(text)
        given = dict(parse_qsl(url.query, strict_parsing=bool(url.query)))
        host, port = url.hostname or "", url.port
    except ValueError:
        host, port, given = "", 0, {}
    is_known = given.keys() <= {"lake"} and url.path.count("/") < 2 if host else False
    if not is_known or url.scheme not in ("clickhouse", "clickhouses") or port == 0:
        raise InvalidValueError(
            "is not an address of ClickHouse",
            "write one like clickhouse://user:password@host:8123/database",
        )
    is_encrypted = url.scheme == "clickhouses"
    return ServerAddress(
        host=host,
        port=port or (8443 if is_encrypted else 8123),
        user=unquote(url.username or "default"),
        password=unquote(url.password or ""),
        database=unquote(url.path.strip("/")) or "default",
        is_encrypted=is_encrypted,
        lake=given.get("lake", ""),
    )


def parse_program(text: str) -> Path:
    path = parse_path(text)
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise InvalidValueError(
            "is not a program", "write the path of valkey-server or redis-server"
        )
    return path


def one_of(*words: str) -> Callable[[str], str]:
    """`words` are two or more."""

    def parse(text: str) -> str:
        if text not in words:
            listed = f"{', '.join(words[:-1])} or {words[-1]}"
            raise InvalidValueError("is not one of its values", f"write {listed}")
        return text

    return parse


def parse_header(text: str) -> str:
    if not re.fullmatch("[A-Za-z][A-Za-z0-9-]{0,99}", text):
        raise InvalidValueError(
            "is not a header's name", "write one like Remote-User, without underscores"
        )
    return text


def parse_host(text: str) -> str:
    if "/" in text or any(map(str.isspace, text)):
        raise InvalidValueError(
            "is not a host", "write a name or an address, like 0.0.0.0"
        )
    return text


def parse_address(text: str) -> tuple[str, int]:
    """A host and a port: `127.0.0.1:9464`, `[::1]:9464`."""
    host, colon, port = text.rpartition(":")
    try:
        is_bracketed = host.startswith("[") and host.endswith("]")
        address = str(ip_address(host[1:-1] if is_bracketed else host))
        number = int(port) if port.isascii() and port.isdecimal() else 0
    except ValueError:
        colon, number = "", 0
    if not colon or not 0 < number <= 65535 or is_bracketed != (":" in address):
        raise InvalidValueError(
            "is not an address and a port", "write them like 127.0.0.1:9464"
        )
    return address, number


def parse_origin(text: str) -> str:
    wanted = "write a file, an http(s) address or npm:PACKAGE"
    if text.startswith("npm:"):
        return text
    if "://" not in text:
        return str(parse_path(text))
    try:
        url = urlsplit(text)
        is_whole = url.scheme in ("http", "https") and bool(url.hostname)
        is_whole = is_whole and url.port != 0 and url.username is None
    except ValueError:
        is_whole = False
    if not is_whole or any(sign.isspace() or not sign.isprintable() for sign in text):
        raise InvalidValueError("is not a source of data", wanted)
    return text


def parse_public_url(text: str) -> str:
    try:
        url = urlsplit(text)
        is_complete = url.scheme in ("http", "https") and bool(url.hostname)
        is_bare = not (url.query or url.fragment or url.username or url.port == 0)
    except ValueError:
        is_complete = is_bare = False
    if not (is_complete and is_bare and text.isprintable() and " " not in text):
        raise InvalidValueError(
            "is not a public address", "write one like https://stats.example.com"
        )
    return text.rstrip("/")


def require_shards_of_cluster(shards: int) -> None:
    """Raise SettingsError if a cluster cannot have so few."""
    if shards < SHARDS_OF_CLUSTER:
        raise SettingsError(
            f"PAGE_TRACKER_SHARDS {shards} is too few for a cluster, whose servers"
            " would be used unevenly",
            f"set {SHARDS_OF_CLUSTER} or more",
        )
