"""The settings of a lake in a bucket; a part of the one table in `settings.py`."""

from dataclasses import dataclass
from pathlib import Path

from page_tracker.settings_parsing import (
    one_of,
    parse_path,
    parse_public_url,
    setting,
    whole_number,
)


@dataclass(frozen=True, kw_only=True)
class BucketSettings:
    """How the store of a bucket is reached, and where its files are copied to.

    The store's own settings have the names by which its other clients know them.
    """

    s3_endpoint: str | None = setting(
        "AWS_ENDPOINT_URL",
        "URL",
        "Amazon S3",
        "The S3-compatible store of a lake in a bucket.",
        parse_public_url,
        default=None,
    )
    s3_allow_http: str = setting(
        "AWS_ALLOW_HTTP",
        "WORD",
        "false",
        "Whether that store may be reached without TLS: true or false.",
        one_of("true", "false"),
        default="false",
    )
    s3_region: str = setting(
        "AWS_REGION",
        "NAME",
        "us-east-1",
        "The region of the bucket.",
        str,
        default="us-east-1",
    )
    s3_key: str | None = setting(
        "AWS_ACCESS_KEY_ID",
        "KEY",
        "none",
        "The name of the key that may read, write, list and delete in the bucket.",
        str,
        default=None,
    )
    s3_secret: str | None = setting(
        "AWS_SECRET_ACCESS_KEY",
        "SECRET",
        "none",
        "The key itself.",
        str,
        is_secret=True,
        default=None,
    )
    keep_stored: int | None = setting(
        "PAGE_TRACKER_KEEP_STORED",
        "SECONDS",
        "300 where the lake lies in a bucket, else 0",
        "For how long Redis keeps hits that the lake has, in case that it loses its"
        " last commits.",
        whole_number(0, 3_600),
        default=None,
    )
    cache: Path | None = setting(
        "PAGE_TRACKER_CACHE",
        "DIR",
        "cache in the data folder",
        "Where files of a lake in a bucket are copied to, to be read.",
        parse_path,
        default=None,
    )
    most_in_cache: int = setting(
        "PAGE_TRACKER_MOST_IN_CACHE",
        "MB",
        "10000",
        "How much these copies may take, in millions of bytes; what was not read for"
        " the longest time goes first.",
        whole_number(100, 100_000_000),
        default=10_000,
    )
    cache_ahead: str = setting(
        "PAGE_TRACKER_CACHE_AHEAD",
        "WORD",
        "no",
        "Whether files are copied before anybody asks for them: yes or no.",
        one_of("yes", "no"),
        default="no",
    )
