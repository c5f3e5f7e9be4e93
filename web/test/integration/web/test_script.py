"""The scripts that pages load are made of their sources, by `scripts/check-script`."""

from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from flask import Flask

from page_tracker.app import collector
from page_tracker.hits.client_address import Proxies
from page_tracker.web.script import ScriptServices, scripts
from support.door import SITE, Door

SOURCES = Path(__file__).parents[3] / "script"
RESULTS = Path(str(files("page_tracker") / "web" / "scripts"))


def test_what_is_served_was_made_of_the_sources_that_are_here() -> None:
    lines = (SOURCES / "script.sha256").read_text(encoding="utf-8").splitlines()
    noted = {
        (SOURCES / name).resolve(): digest
        for digest, name in (line.split() for line in lines)
    }
    here = [
        *SOURCES.glob("*.js"),
        *SOURCES.glob("parts/*.js"),
        *RESULTS.glob("*.js"),
    ]
    assert noted == {
        path.resolve(): sha256(path.read_bytes()).hexdigest() for path in here
    }, "run `npm run build` in web/script"


def test_a_site_s_own_script_means_the_site_that_has_its_name(door: Door) -> None:
    door.sites.change(SITE, {"aliases": ["pa-AbC123"]}, by="a test")
    flask = Flask(__name__)
    services = ScriptServices(lambda: door.sites, collector, Proxies())
    flask.register_blueprint(scripts(services))
    client = flask.test_client()
    assert f'["","{SITE}"]' in client.get("/js/pa-AbC123.js").text
    assert '["",null]' in client.get("/js/pa-Other.js").text
    age = client.get("/js/pa-AbC123.js").headers["Cache-Control"]
    assert age == "public, max-age=60"
