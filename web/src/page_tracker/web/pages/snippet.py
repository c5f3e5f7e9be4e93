"""What a website needs so that its pages count, by the tool it is made with. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec


class Way(msgspec.Struct, frozen=True):
    """One way to count: where the code goes, the code, and what else to know."""

    name: str
    label: str
    where: str
    code: str
    more: str = ""


def ways(site: str, address: str) -> tuple[Way, ...]:
    """All ways for a site; `address` is where browsers reach this server."""
    line = (
        f'<script defer data-domain="{escape(site)}"'
        f' src="{escape(address)}/js/script.js"></script>'
    )
    pixel = f"{address}/hit/PATH.gif?site={site}"
    return (
        Way("html", "HTML", "Put this line into the <head> of each page:", line),
        Way(
            "pixel",
            "Pixel",
            "Where no script runs, as in a README or a mail; PATH is the page's own:",
            f'<img src="{escape(pixel)}" alt="" width="1" height="1">',
        ),
        Way(
            "frameworks",
            "Flask, Django, FastAPI",
            "Put this line into the template that all others extend (base.html, or"
            " layout.html), before </head>:",
            line,
            "A content security policy of the application must allow it: see below.",
        ),
        Way(
            "log",
            "Access log",
            "On the web server, without a change to the pages: what was served counts,"
            " the years before too. The second line goes on with what comes next.",
            f"page-tracker import {site} /var/log/nginx/access.log\n"
            f"page-tracker import {site} --follow /var/log/nginx/access.log",
        ),
        Way(
            "plausible",
            "I come from Plausible",
            "Pages that have Plausible's script may keep it: add where it sends to.",
            f'data-api="{address}/api/event"',
            "Scripts of 2025 and later take it as an option:"
            f' plausible.init({{ endpoint: "{address}/api/event" }}).',
        ),
        Way(
            "goatcounter",
            "I come from GoatCounter",
            "Pages that have GoatCounter's script may keep it: change where it sends.",
            f'data-goatcounter="{address}/count"',
        ),
    )


def policy_line(address: str) -> str:
    """The line that a website's content security policy needs."""
    return f"script-src {address}; connect-src {address}"


def warnings(address: str, at: str) -> Iterator[str]:
    """What may keep browsers from that address; `at` is where this browser is."""
    url, here = urlsplit(address), urlsplit(at)
    if is_local(url.netloc):
        yield (
            "This address is reached from this machine alone. Visitors need a public"
            " one: set PAGE_TRACKER_URL to it."
        )
    elif url.scheme == "http":
        yield (
            "Pages that are served by https cannot load a script by http: browsers"
            " refuse it. Put a proxy with https before this server, and set"
            " PAGE_TRACKER_URL."
        )
    if url.hostname == here.hostname and url.port is None and here.port is not None:
        yield (
            f"Your browser is at port {here.port}, and PAGE_TRACKER_URL names none: see"
            " that the line's address opens in a browser."
        )


def is_local(host: str) -> bool:
    """Whether a host, with or without a port, is this machine's own name for itself.

    >>> is_local("localhost:8000"), is_local("[::1]"), is_local("127.0.0.1.example.org")
    (True, True, False)
    """
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
