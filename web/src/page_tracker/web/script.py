"""`GET /js/script.js`: the script that pages load."""

import gzip
from importlib.resources import files

from flask import Blueprint, Response, request

DAY = 24 * 60 * 60
SCRIPT = (files("page_tracker") / "web" / "static" / "script.js").read_bytes()
PACKED = gzip.compress(SCRIPT, 9, mtime=0)

script = Blueprint("script", __name__)


@script.get("/js/script.js")
def give_script() -> Response:
    """Serve the script, compressed if the browser accepts that."""
    response = Response(SCRIPT, mimetype="text/javascript")
    if request.accept_encodings["gzip"]:
        response.set_data(PACKED)
        response.content_encoding = "gzip"
    response.add_etag()
    response.vary.add("Accept-Encoding")
    response.cache_control.public = True
    response.cache_control.max_age = DAY
    response.access_control_allow_origin = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.make_conditional(request)
    return response
