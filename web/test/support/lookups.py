"""The packaged lookups, read once for all tests of a process."""

from page_tracker.collect.lookups import load

LOOKUPS = load()
