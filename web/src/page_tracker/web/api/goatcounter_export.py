"""`/api/v0/export`: a site's page views and events as a file, as GoatCounter has it.

    POST                 which hits: those in the lake after `start_from_hit_id`
    GET …/<id>           the same again: it is finished as soon as it is there
    GET …/<id>/download  read from the lake bit by bit while it is sent

A hit's id is its time, in microseconds since 1970.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from page_tracker.days import MICROSECONDS
from page_tracker.query import goatcounter_export as exported
from page_tracker.query.goatcounter_paths import path_id
from page_tracker.store.exports import Export, Exports
from page_tracker.web.api.sites import json_object
from page_tracker.web.client_gone import is_wanted
from page_tracker.web.token_guard import Refused

if TYPE_CHECKING:  # loaded with the first question
    from page_tracker.query.ask import Asking

# Hits are in the lake within five seconds; none comes before one that was exported.
SETTLED_SECONDS = 10
_GZIP = 16 + zlib.MAX_WBITS


def register_exports(
    blueprint: Blueprint,
    asking: Callable[[], Asking],
    exports: Callable[[], Exports],
    owned: Callable[[], str],
) -> None:
    """The routes; `owned` returns the id of the site that a request is about, if its
    token may change that one."""

    @blueprint.post("/export")
    def begin() -> tuple[Response, int]:
        export = _export_of(asking(), owned(), _after(), time.time())
        return jsonify(_as_json(exports().add(export), export)), 202

    @blueprint.get("/export/<int:number>")
    def show(number: int) -> Response:
        return jsonify(_as_json(number, found(number)))

    @blueprint.get("/export/<int:number>/download")
    def download(number: int) -> Response:
        export = found(number)
        answer = Response(_packed(_text(asking(), export, is_wanted())))
        answer.mimetype = "application/gzip"
        name = f"goatcounter-export-{export.site}-{number}.csv.gz"
        answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer

    def found(number: int) -> Export:
        """An export that the token may have. Raises Refused."""
        site, export = owned(), exports().find(number)
        if export is None or export.site != site:
            why = "exports are kept for a day; begin another by POST /api/v0/export"
            raise Refused(404, f"there is no export {number}: {why}")
        return export


def _after() -> int:
    """The id of the hit after which an export begins. Raises Refused."""
    said = json_object() if request.content_length else {}
    if said.get("format") not in (None, "", "csv"):
        raise Refused(400, "exports are made in the format csv only")
    after = said.get("start_from_hit_id") or 0
    if isinstance(after, bool) or not isinstance(after, int) or after < 0:
        raise Refused(400, "start_from_hit_id is no id of a hit, but last_hit_id is")
    return min(after, 2**62)


def _export_of(asking: Asking, site: str, after: int, now: float) -> Export:
    settled = int((now - SETTLED_SECONDS) * MICROSECONDS)
    parts = asking.export_parts(site, after, settled)
    return Export(
        site=site,
        after=after,
        last=max((part.last for part in parts), default=after),
        rows=sum(part.rows for part in parts),
        created=int(now),
    )


def _text(asking: Asking, export: Export, wanted: Callable[[], bool]) -> Iterator[str]:
    """The file, in pieces; ends where nobody waits for it any more."""
    yield exported.header_line()
    for part in asking.export_parts(export.site, export.after, export.last):
        for times in exported.slices(part):
            budget = asking.budget(wanted)
            yield asking.export_lines(export.site, part.day, times, budget)


def _packed(pieces: Iterator[str]) -> Iterator[bytes]:
    """The pieces as a gzip file."""
    packer = zlib.compressobj(wbits=_GZIP)
    for piece in pieces:
        if packed := packer.compress(piece.encode("utf-8", "replace")):
            yield packed
    yield packer.flush()


def _as_json(number: int, export: Export) -> dict[str, Any]:
    created = f"{datetime.fromtimestamp(export.created, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {
        "id": number,
        "site_id": path_id(export.site),
        "format": "csv",
        "start_from_hit_id": export.after,
        "last_hit_id": export.last,
        "created_at": created,
        "finished_at": created,
        "num_rows": export.rows,
        # Known once it has been made, and it is made while it is sent.
        "size": None,
        "hash": None,
        # No `error`, which goatpie takes for one whatever is in it.
    }
