"""The senders' formats: one module and one row here for each."""

from page_tracker.collect.protocols import goatcounter, plausible
from page_tracker.collect.protocols.protocol import Protocol

# By the path that they are sent to.
PROTOCOLS: dict[str, Protocol] = {
    "/api/event": plausible.PROTOCOL,
    "/count": goatcounter.PROTOCOL,
}
