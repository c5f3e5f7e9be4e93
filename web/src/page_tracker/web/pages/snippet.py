"""What a website needs so that its pages count, by what it has already. Pure."""

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
        Way(
            "html",
            "HTML",
            "Put this line into the <head> of each page:",
            line,
            "Where that is in Hugo, WordPress, Next.js, Astro and others:"
            " docs/guides/frameworks.md.",
        ),
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
            "Or the application counts from within, without a script in its pages:"
            " docs/guides/python.md.",
        ),
        Way(
            "log",
            "Access log",
            "On the web server, without a change to the pages: what was served counts,"
            " the years before too. The second line goes on with what comes next.",
            f"page-tracker import {site} /var/log/nginx/access.log\n"
            f"page-tracker import {site} --follow /var/log/nginx/access.log",
        ),
        *_from_other_trackers(site, address),
    )


def _from_other_trackers(site: str, address: str) -> Iterator[Way]:
    """Lines that pages already have, with this server for a host."""
    host = escape(address)
    yield Way(
        "plausible",
        "From Plausible",
        "Keep Plausible's line, and change the host in it; the script's name stays,"
        " whatever words it has:",
        f'<script defer data-domain="{escape(site)}"'
        f' src="{host}/js/script.outbound-links.js"></script>',
        "The same goes for a line with /js/pa-….js, and what is below it stays.",
    )
    yield Way(
        "goatcounter",
        "From GoatCounter",
        "Change the host in both places of GoatCounter's line:",
        f'<script data-goatcounter="{host}/count" async'
        f' src="{host}/count.js"></script>',
        "A line with an integrity checksum takes no other script: write this one in its"
        " place.",
    )
    yield Way(
        "umami",
        "From Umami",
        "Change the host in Umami's line, and write its website ID into Aliases, in the"
        " site's settings:",
        f'<script defer src="{host}/script.js" data-website-id="ID"></script>',
    )
    yield Way(
        "matomo",
        "From Matomo",
        "Change the address in Matomo's code, and write its setSiteId into Aliases, in"
        " the site's settings:",
        f'var u="{host}/";',
        "If Matomo was in a folder of its host, leave the folder out.",
    )


def policy_line(address: str) -> str:
    """The line that a website's content security policy needs."""
    return f"script-src {address}; connect-src {address}"


def warnings(address: str, at: str) -> Iterator[str]:
    """What may keep browsers from that address; `at` is where this browser is."""
    url, here = urlsplit(address), urlsplit(at)
    if is_local(url.netloc):
        yield (
            "This address is reached from this machine alone: enough to try it."
            " Visitors need a public one, in PAGE_TRACKER_URL: docs/start/server.md."
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
