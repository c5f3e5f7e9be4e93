"""The senders' formats: each has one module, and one row here."""

from page_tracker.protocols import (
    goatcounter,
    goatcounter_api,
    matomo,
    plausible,
    umami,
)
from page_tracker.protocols.bulk import BulkProtocol
from page_tracker.protocols.request import Protocol

# By the path that they are sent to, which may end with `/<variable>`: that is the
# request's `variable`.
PROTOCOLS: dict[str, Protocol | BulkProtocol] = {
    "/api/event": plausible.PROTOCOL,
    "/count": goatcounter.PROTOCOL,
    goatcounter_api.PATH: goatcounter_api.PROTOCOL,
    "/api/send": umami.SEND,
    "/api/batch": umami.BATCH,
    **dict.fromkeys(matomo.PATHS, matomo.PROTOCOL),
}


def protocol_at(path: str) -> Protocol | BulkProtocol | None:
    """The protocol that is sent to a path; None if there is none."""
    found = PROTOCOLS.get(path)
    if found is None:
        parent, _, variable = path.rpartition("/")
        found = PROTOCOLS.get(f"{parent}/<variable>") if variable else None
    return found
