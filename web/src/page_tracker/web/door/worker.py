"""gunicorn's worker: uvicorn on uvloop and httptools, without what we do ourselves."""

from typing import Any

from uvicorn_worker import UvicornWorker  # type: ignore[import-untyped]

from page_tracker.web.door.connection import Connection


class Worker(UvicornWorker):  # type: ignore[misc] # it has no types
    """Proxies are ours to trust; no header is added that nobody reads."""

    # The row of the tally that it counts in.
    tally_row = 0

    CONFIG_KWARGS: dict[str, Any] = {
        "loop": "uvloop",
        "http": Connection,
        "ws": "none",
        "lifespan": "on",
        "proxy_headers": False,
        "server_header": False,
        "date_header": False,
        "access_log": False,
    }
