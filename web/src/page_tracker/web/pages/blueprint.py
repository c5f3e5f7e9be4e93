"""The blueprint of all pages."""

from __future__ import annotations

from flask import Blueprint


def pages() -> Blueprint:
    """The routes of the pages."""
    return Blueprint("pages", __name__)
