"""A real S3-compatible store of a test's own: SeaweedFS, from its package."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from socket import socket
from uuid import uuid4

from page_tracker.lake.bucket import Bucket, BucketError
from page_tracker.lake.copies import Copies
from page_tracker.lake.table import GRACE, Lake
from support.pace import PACE

NAME = "hits"
KEY, SECRET = "a-key-for-tests", "a-secret-of-tests"
PROGRAM = Path(sys.executable).with_name("weed")
ADMIN = ("Admin", "Read", "Write", "List")


class OwnBucket:
    """A store with one bucket, at one address, whether it runs or not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ports = _free_ports(8)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._ports[0]}"
        key = {"accessKey": KEY, "secretKey": SECRET}
        known = {"name": "tests", "credentials": [key], "actions": ADMIN}
        (folder / "s3.json").write_text(json.dumps({"identities": [known]}))

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            # pylint: disable-next=consider-using-with  # it is stopped by `kill`
            self._process = subprocess.Popen(
                [str(PROGRAM), *self._options()],
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**os.environ, "S3_BUCKET": NAME},
            )
        self._wait()

    def kill(self) -> None:
        """End it by SIGKILL, where it runs."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def ports(self) -> list[int]:
        return list(self._ports)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It accepts connections but answers nothing."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def bucket(self, url: str | None = None, **changes: str) -> Bucket:
        """A place of its own in the bucket, reached at `url`."""
        return Bucket(NAME, str(uuid4()), self.options(url) | changes)

    def options(self, url: str | None = None) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": url or self.url,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ALLOW_HTTP": "true",
        }

    def _options(self) -> list[str]:
        s3, master, volume, filer, *grpc = self._ports
        names = {
            "s3.port": s3,
            "master.port": master,
            "volume.port": volume,
            "filer.port": filer,
            "s3.port.grpc": grpc[0],
            "master.port.grpc": grpc[1],
            "volume.port.grpc": grpc[2],
            "filer.port.grpc": grpc[3],
            "dir": self.folder,
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "s3.config": self.folder / "s3.json",
            "s3.localSocket": self.folder / "s3.sock",
            "filer.localSocket": self.folder / "filer.sock",
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.autoCreateBucket": "false",
            "admin.ui": "false",
            "webdav": "false",
            "master.telemetry": "false",
        }
        return ["mini", *(f"-{name}={value}" for name, value in names.items())]

    def _wait(self) -> None:
        deadline = time.monotonic() + 20 * PACE
        while True:
            try:
                self.bucket().require_usable()
                return
            except BucketError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


@contextmanager
def own_bucket(folder: Path) -> Iterator[OwnBucket]:
    """A started store that keeps its files in `folder`."""
    server = OwnBucket(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def lake_in(bucket: Bucket, folder: Path, grace: timedelta = GRACE) -> Lake:
    """A lake in a bucket, as a machine sees it whose copies are in `folder`."""
    return Lake(bucket.uri, Copies(bucket, folder, 10_000_000), grace)


def environment_of(bucket: Bucket) -> Mapping[str, str]:
    """The variables by which Page Tracker's commands find a lake there."""
    return {"PAGE_TRACKER_LAKE": bucket.uri, **bucket.options}


def _free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        taken = [stack.enter_context(socket()) for _ in range(number)]
        for each in taken:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in taken]
