"""How gunicorn serves Page Tracker, under `page-tracker serve` and in containers."""

import gc
import logging
import os
import sys
from functools import cache
from importlib import import_module
from socket import socket

from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.glogging import Logger

from page_tracker.errors import AddressError
from page_tracker.processes.die_with_parent import tie_to_parent
from page_tracker.processes.limits import leave_no_core, raise_file_limit
from page_tracker.processes.log_lines import level_of, shape
from page_tracker.settings import Settings, is_in_bucket
from page_tracker.tally import TALLY, free_row
from page_tracker.web.door.worker import Worker
from page_tracker.wiring.collecting import open_lookups

# pylint: disable=invalid-name  # gunicorn names its settings

# For gunicorn itself, and so for its workers.
raise_file_limit()
leave_no_core()

wsgi_app = "page_tracker.asgi:app"
worker_class = "page_tracker.web.door.worker.Worker"

# The workers share the memory of what is loaded before they are forked. All of it
# stays, so there is no garbage to look for meanwhile.
preload_app = True
gc.disable()

# What each worker would load for itself, a megabyte and more.
OF_UVICORN = ("uvicorn.lifespan.on", "uvicorn.loops.uvloop")

loglevel = Settings.from_environment().log_level
graceful_timeout = 10
control_socket_disable = True  # it would be written under $HOME
SHARED_MEMORY = "/dev/shm"  # nosec B108 # gunicorn makes a file of its own there
if os.access(SHARED_MEMORY, os.W_OK):
    worker_tmp_dir = SHARED_MEMORY  # its heartbeat must not wait for a disk


class Log(Logger):
    """One log for all messages of this module, gunicorn, uvicorn, Flask and ours."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)  # type: ignore[no-untyped-call] # gunicorn has no types
        settings, root = Settings.from_environment(), logging.getLogger()
        root.setLevel(level_of(settings))
        for handler in self.error_log.handlers:
            people = logging.Formatter(self.error_fmt, self.datefmt)
            shape(handler, settings, "web", people)
        root.handlers = list(self.error_log.handlers)


logger_class = Log


def on_starting(_server: Arbiter) -> None:
    """The address of metrics is taken before any worker is there."""
    try:
        metrics_listener()
    except AddressError as error:
        sys.exit(f"page-tracker: {error}")


@cache
def metrics_listener() -> socket | None:
    """Where all workers answer scrapes; None if no address is set.

    Raises AddressError.
    """
    address = Settings.from_environment().metrics
    if address is None:
        return None
    # pylint: disable-next=import-outside-toplevel # only who is scraped loads it
    from page_tracker.monitoring.listener import listen_at

    return listen_at(*address)


def when_ready(_server: Arbiter) -> None:
    """Load what all workers need in memory that they share."""
    open_lookups(Settings.from_environment())
    for module in OF_UVICORN:
        import_module(module)
    gc.collect()
    gc.freeze()
    gc.enable()


def pre_fork(server: Arbiter, worker: Worker) -> None:
    """A worker counts on where one that has ended stopped."""
    worker.tally_row = free_row([each.tally_row for each in server.WORKERS.values()])


def post_fork(server: Arbiter, worker: Worker) -> None:
    """A worker never outlives the process that forked it, and answers scrapes."""
    tie_to_parent(server.pid)
    TALLY.use_row(worker.tally_row)
    if listener := metrics_listener():
        # pylint: disable=import-outside-toplevel # as above
        from page_tracker.monitoring.listener import answer_at
        from page_tracker.wiring.monitoring import open_exposition

        answer_at(listener, open_exposition(Settings.from_environment()))
    if is_in_bucket(Settings.from_environment()):
        # pylint: disable=import-outside-toplevel # it loads Delta
        from page_tracker.wiring.copies_upkeep import start_copies_upkeep

        start_copies_upkeep(Settings.from_environment())
    if Settings.from_environment().traces:
        trace(Settings.from_environment())


def trace(settings: Settings) -> None:
    """Send traces of this process's requests; what is missing for it is logged."""
    try:
        # pylint: disable=import-outside-toplevel # an extra, which few install
        from page_tracker.monitoring.tracing import open_tracer_provider
        from page_tracker.web.request_spans import trace_requests
    except ImportError:
        logging.getLogger(__name__).error(
            "no traces are sent, though OTEL_EXPORTER_OTLP_ENDPOINT is set: install"
            " page-tracker[otel]"
        )
        return
    # pylint: disable-next=import-outside-toplevel # it loads what answers
    from page_tracker.app import app

    trace_requests(app, open_tracer_provider(), settings.trusted_proxies.trusts)
