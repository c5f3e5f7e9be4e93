"""A lake in a bucket: loaded only where the settings name one."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from page_tracker.errors import SettingsError
from page_tracker.history.register import Register
from page_tracker.lake.bucket import Bucket, BucketAwayError
from page_tracker.lake.copies import Copies
from page_tracker.lake.lease import held
from page_tracker.settings import Settings, cache_of

__all__ = [
    "BucketAwayError",
    "open_bucket",
    "open_copies",
    "open_register_in_bucket",
    "require_bucket",
]


# How long an import waits for another machine's.
TURN = 1.0  # seconds


def open_bucket(settings: Settings) -> Bucket:
    """The bucket that the settings name; connects with its first use.

    Raises SettingsError where it cannot be reached by them.
    """
    name, _, prefix = (settings.lake or "").removeprefix("s3://").partition("/")
    if not (settings.s3_key and settings.s3_secret):
        raise SettingsError(
            f"there is no key to the bucket {name}",
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    options = {
        "AWS_REGION": settings.s3_region,
        "AWS_ACCESS_KEY_ID": settings.s3_key,
        "AWS_SECRET_ACCESS_KEY": settings.s3_secret,
        "AWS_ALLOW_HTTP": settings.s3_allow_http,
    }
    if settings.s3_endpoint:
        options["AWS_ENDPOINT_URL"] = settings.s3_endpoint
        if (
            settings.s3_endpoint.startswith("http:")
            and settings.s3_allow_http != "true"
        ):
            raise SettingsError(
                f"AWS_ENDPOINT_URL {settings.s3_endpoint!r} is without TLS",
                "write https://, or set AWS_ALLOW_HTTP=true where nobody listens",
            )
    return Bucket(name, prefix, options)


def open_register_in_bucket(settings: Settings, folder: Path) -> Register:
    """The register of imports in the bucket; `folder` has what is read from logs."""
    bucket = open_bucket(settings)
    return Register(folder, bucket.within("imports"), partial(_turn, bucket))


@contextmanager
def _turn(bucket: Bucket) -> Iterator[bool]:
    """Be the machine that imports; False where another one does."""
    with ExitStack() as stack:
        try:
            stack.enter_context(held(bucket, "imports", TURN))
            is_ours = True
        except BlockingIOError:
            is_ours = False
        yield is_ours


def open_copies(settings: Settings) -> Copies:
    """The copies of the bucket's files on this machine. Raises as `open_bucket`."""
    most = settings.most_in_cache * 1_000_000
    return Copies(open_bucket(settings), cache_of(settings), most)


def require_bucket(settings: Settings) -> None:
    """Try what a lake needs of the bucket. Raises BucketError, or as `open_bucket`."""
    open_bucket(settings).require_usable()
