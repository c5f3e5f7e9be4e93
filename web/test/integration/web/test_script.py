"""The scripts that pages load are made of their sources, by `scripts/check-script`."""

from hashlib import sha256
from importlib.resources import files
from pathlib import Path

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
