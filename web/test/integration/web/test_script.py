"""The script that pages load is made of its source; `scripts/check-script` makes it."""

from hashlib import sha256
from pathlib import Path

from page_tracker.web.script import SCRIPT

SOURCES = Path(__file__).parents[3] / "script"


def test_what_is_served_was_made_of_the_source_that_is_here() -> None:
    made = (SOURCES / "script.sha256").read_text(encoding="utf-8").split()
    source = (SOURCES / "script.js").read_bytes()
    assert made == [
        sha256(source).hexdigest(),
        "source",
        sha256(SCRIPT).hexdigest(),
        "result",
    ], "run `npm run build` in web/script"
