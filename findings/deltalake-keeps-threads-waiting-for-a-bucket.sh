#!/bin/sh
# `DeltaTable.is_deltatable` of deltalake 1.6.6 keeps Python's lock while it waits for a
# bucket, and with it all other threads: a web server answers nobody until the bucket has
# answered, and a bucket that this very process serves never does. Opening a table waits
# for the same bucket without the lock.
#
# Seen, of a bucket that takes a second: is_deltatable: 1 step of another thread in 1 s;
#       DeltaTable: 198 in 2 s
# Fails where that has changed.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check deltalake==1.6.6
cd "$folder"

cat >bucket.py <<'PYTHON'
"""A bucket without files, whose lists take a second."""

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LIST = b"""<?xml version="1.0"?><ListBucketResult><Name>lake</Name><KeyCount>0</KeyCount>
<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>"""


class Bucket(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        time.sleep(1)
        self.send_response(200)
        self.send_header("Content-Length", str(len(LIST)))
        self.end_headers()
        self.wfile.write(LIST)

    def log_message(self, *_: object) -> None:
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
print(server.server_port, flush=True)
server.serve_forever()
PYTHON

venv/bin/python - <<'PYTHON'
import subprocess
import sys
import threading
import time

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

steps = 0


def step() -> None:
    global steps
    while True:
        steps += 1
        time.sleep(0.01)


bucket = subprocess.Popen(
    [sys.executable, "bucket.py"], stdout=subprocess.PIPE, text=True
)
options = {
    "AWS_ENDPOINT_URL": f"http://127.0.0.1:{int(bucket.stdout.readline())}",
    "AWS_ALLOW_HTTP": "true",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
}
threading.Thread(target=step, daemon=True).start()
try:
    before, began = steps, time.monotonic()
    assert not DeltaTable.is_deltatable("s3://lake/hits", options)
    asking, asked_for = steps - before, time.monotonic() - began

    before, began = steps, time.monotonic()
    try:
        DeltaTable("s3://lake/hits", storage_options=options)
    except TableNotFoundError:
        pass
    opening, opened_for = steps - before, time.monotonic() - began
finally:
    bucket.kill()
print(
    f"is_deltatable: {asking} steps of another thread in {asked_for:.0f} s;"
    f" DeltaTable: {opening} in {opened_for:.0f} s"
)
assert asked_for > 0.9 and asking <= 3 and opening > 20
PYTHON
