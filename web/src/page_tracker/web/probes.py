"""`/livez`: the process answers. `/readyz`: everything that counting needs is there."""

from collections.abc import Callable, Sequence

from flask import Blueprint, Response

Check = Callable[[], object | None]  # its `str` is for people


def probes(checks: Sequence[Check], notices: Sequence[Check]) -> Blueprint:
    """The two routes; each check returns why it is not ready, or None.

    A notice is shown too, but does not make it unready.
    """
    blueprint = Blueprint("probes", __name__)

    @blueprint.get("/livez")
    def livez() -> Response:
        return _answer(200, "ok")

    @blueprint.get("/readyz")
    def readyz() -> Response:
        problems = [str(problem) for check in checks if (problem := check())]
        if problems:
            return _answer(503, "\n".join(problems))
        said = [f"notice: {notice}" for check in notices if (notice := check())]
        return _answer(200, "\n".join(["ok", *said]))

    return blueprint


def _answer(status: int, text: str) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(f"{text}\n", status, headers, mimetype="text/plain")
