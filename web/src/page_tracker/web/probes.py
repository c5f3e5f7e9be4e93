"""`/livez`: the process answers. `/readyz`: everything that counting needs is there;
`/api/health` is another name for that."""

from collections.abc import Callable, Sequence

from flask import Blueprint, Response, jsonify

Check = Callable[[], object | None]  # its `str` is for people


def probes(checks: Sequence[Check], notices: Sequence[Check]) -> Blueprint:
    """The routes; each check returns why it is not ready, or None.

    A notice is shown too, but does not make it unready.
    """
    blueprint = Blueprint("probes", __name__)

    @blueprint.get("/livez")
    def livez() -> Response:
        return _answer(200, "ok")

    def problems() -> list[str]:
        return [str(problem) for check in checks if (problem := check())]

    @blueprint.get("/api/health")
    def health() -> tuple[Response, int]:
        """The same as Plausible's users ask for it."""
        if found := problems():
            return jsonify(error="; ".join(found)), 500
        return jsonify(status="ok"), 200

    @blueprint.get("/readyz")
    def readyz() -> Response:
        if found := problems():
            return _answer(503, "\n".join(found))
        said = [f"notice: {notice}" for check in notices if (notice := check())]
        return _answer(200, "\n".join(["ok", *said]))

    return blueprint


def _answer(status: int, text: str) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(f"{text}\n", status, headers, mimetype="text/plain")
