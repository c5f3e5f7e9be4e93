"""The composition root: opens what the entry points work with, from the settings.

One module for each kind of process, so that each loads only what it needs.
"""
