"""Which requests are page views. Pure."""

from __future__ import annotations

from page_tracker_client.request import Request

_PAGES = ("text/html", "application/xhtml+xml")
_TELLING = (
    *("Sec-Fetch-Dest", "X-Requested-With"),
    *("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"),
)
_AHEAD = ("prefetch", "prerender", "preview")


def may_be_page_view(request: Request) -> bool:
    """Whether a visitor requests a page: not a script, nor a browser in advance.

    Browsers send a request's purpose in Sec-Fetch-Dest, over https and on localhost.
    """
    if request.method != "GET":
        return False
    meant_for, asked_by, *purposes = request.headers(_TELLING)
    if meant_for not in ("", "document") or asked_by == "XMLHttpRequest":
        return False
    ahead = " ".join(purposes).lower()
    return not any(word in ahead for word in _AHEAD)


def is_page(request: Request, status: int, content_type: str) -> bool:
    """Whether the answer is a page, or confirms that the visitor's own copy is current.

    Such an answer (304) has no content type: then the request decides.
    """
    if status == 304:
        [accepted] = request.headers(("Accept",))
        return "text/html" in accepted.lower()
    kind = content_type.partition(";")[0].strip().lower()
    return status == 200 and kind in _PAGES
