"""How a page is answered: its template, and headers that keep foreign content out."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template
from werkzeug.urls import iri_to_uri

HEADERS = {
    # Nothing but our own files; no inline scripts or styles.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Forms send their origin; other servers see no addresses of ours.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}

# Where a page that explains something may lead: an address, and what it is called.
ALL_SITES = ("/sites", "All sites")
SIGN_IN = ("/sites", "Sign in")


def render(template: str, status: int = 200, **context: Any) -> Response:
    """The page rendered from a template in `templates/pages`."""
    page = Response(
        render_template(f"pages/{template}", **context), status, mimetype="text/html"
    )
    page.headers.update(HEADERS)
    return page


def problem(status: int, title: str, *sentences: str, **context: Any) -> Response:
    """A page that explains what is wrong and, in its last sentence, what to do.

    `onwards`, if given, is a link below that.
    """
    return render("problem.html", status, title=title, sentences=sentences, **context)


def to(path: str) -> Response:
    """Redirect to another page of ours, after a form as well."""
    page = Response(status=303, headers={"Location": iri_to_uri(path)})
    page.headers.update(HEADERS)
    return page


def unkept(page: Response) -> Response:
    """A page that shows a secret, or whose address is one: it is not to be stored."""
    page.headers["Cache-Control"] = "no-store"
    return page
