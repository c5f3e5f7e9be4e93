"""`/livez`: the process answers. `/readyz`: what it needs to count is there."""

from collections.abc import Callable, Sequence

from flask import Blueprint, Response

Check = Callable[[], object | None]  # what `str` gives of it is for people


def probes(checks: Sequence[Check], notices: Sequence[Check]) -> Blueprint:
    """The two routes; each check says why it is not ready, or None.

    A notice is said too, but does not keep it from being ready.
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
