#!/bin/sh
# deltalake 1.6.6 opens a table with a thread for many of the commits since the last checkpoint,
# up to 512, the bound of tokio for calls that block: 343 to 526 threads for a thousand commits.
# Where processes and threads are limited (pids_limit of a container, TasksMax of a unit),
# it takes all there are.
#
# Seen: a writer in a container with pids_limit 100 ended with "can't start new thread"
# when it was started again under load. So docker-compose.yml allows 1500.
# Fails where that has changed.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check deltalake==1.6.6 arro3-core==0.9.1
"$folder/venv/bin/python" - "$folder/table" <<'END'
import os
import sys
import threading
import time

from arro3.core import Array, DataType, Table
from deltalake import DeltaTable, write_deltalake

uri = sys.argv[1]
column = Array([1], type=DataType.int64())
write_deltalake(uri, Table.from_pydict({"x": column}))
for number in range(1, 1000):
    with open(f"{uri}/_delta_log/{number:020}.json", "w") as commit:
        commit.write('{"commitInfo": {"operation": "WRITE"}}\n')

most, over = 0, False
def watch():
    global most
    while not over:
        most = max(most, len(os.listdir("/proc/self/task")))
        time.sleep(0.001)

watching = threading.Thread(target=watch)
watching.start()
time.sleep(0.1)
before = most
version = DeltaTable(uri).version()
over = True
watching.join()
print(f"version {version}: {before} threads before it was opened, {most} meanwhile")
sys.exit(most < 100)
END
