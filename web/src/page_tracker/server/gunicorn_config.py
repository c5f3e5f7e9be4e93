"""How gunicorn serves Page Tracker, under `page-tracker serve` and in containers."""

import os

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from page_tracker.server.tether import tie_to_parent

wsgi_app = "page_tracker.app:app"
worker_class = "gthread"
threads = 8

loglevel = "warning"
graceful_timeout = 10
control_socket_disable = True  # it would be written under $HOME
if os.access("/dev/shm", os.W_OK):  # nosec B108: gunicorn makes a file of its own there
    worker_tmp_dir = "/dev/shm"  # nosec B108: its heartbeat must not wait for a disk


def post_fork(server: Arbiter, _worker: Worker) -> None:
    """A worker never outlives the process that forked it."""
    tie_to_parent(server.pid)
