"""Loads the packaged lookups when it is imported, for a process that others fork from.

They share them then, unless an owner's folder has newer ones.
"""

from page_tracker.lookups.load import load

load()
