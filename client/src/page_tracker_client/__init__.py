"""Counts the page views of a Python web application with Page Tracker.

    request → is it a page view? → a bounded queue ⇢ one thread → the server

The application never waits, and never sees an error: what cannot be delivered is
counted and logged. `wsgi`, `asgi`, `django` and `flask` have what applications install.
"""

from page_tracker_client.client import Client
from page_tracker_client.counting import track
from page_tracker_client.event import Revenue, Visitor

__all__ = ["Client", "Revenue", "Visitor", "track"]
