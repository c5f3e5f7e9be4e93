"""How gunicorn serves Page Tracker, under `page-tracker serve` and in containers."""

import os

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from page_tracker.server.tether import tie_to_parent

# pylint: disable=invalid-name  # gunicorn names its settings

wsgi_app = "page_tracker.asgi:app"
worker_class = "page_tracker.server.worker.Worker"

loglevel = "warning"
graceful_timeout = 10
control_socket_disable = True  # it would be written under $HOME
SHARED_MEMORY = "/dev/shm"  # nosec B108 # gunicorn makes a file of its own there
if os.access(SHARED_MEMORY, os.W_OK):
    worker_tmp_dir = SHARED_MEMORY  # its heartbeat must not wait for a disk


def post_fork(server: Arbiter, _worker: Worker) -> None:
    """A worker never outlives the process that forked it."""
    tie_to_parent(server.pid)
