"""The senders' formats: one module and one row here for each."""

from page_tracker.protocols import goatcounter, plausible
from page_tracker.protocols.request import Protocol

# By the path that they are sent to.
PROTOCOLS: dict[str, Protocol] = {
    "/api/event": plausible.PROTOCOL,
    "/count": goatcounter.PROTOCOL,
}
