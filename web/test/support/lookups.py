"""The packaged lookups, read once for all tests of a process."""

from page_tracker.lookups.load import load

LOOKUPS = load()
