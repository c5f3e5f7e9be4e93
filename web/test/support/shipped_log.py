"""Makes the log that `page-tracker demo` shows, out of the real one that tests import.

python -m support.shipped_log

Left out are lines for what pages are made of, as nothing is seen of them. Of each
address the last number is 0, so that it is nobody's, yet has its country; referrers are
without their queries, in which people's searches are, and the website's own host is
named like the demonstration.
"""

import gzip
import re
from pathlib import Path

import page_tracker
from page_tracker.history.blocks import STATIC
from page_tracker.sites.demonstration import DOMAIN
from support.importing import real_log

FILE = Path(page_tracker.__file__).parent / "data" / "demonstration.log.gz"

_LINE = re.compile(
    r'(?P<network>\d+\.\d+\.\d+)\.\d+(?P<request> .*?"\S+ (?P<path>[^ ?"]*)[^"]*" \S+'
    r' \S+ ")(?P<referrer>[^"?]*)[^"]*(?P<agent>".*\n)'
)
_OWN_HOST = re.compile(r"^https?://(www\.)?semicomplete\.com(?=/|$)")


def made() -> str:
    """The lines."""
    return "".join(filter(None, map(_shown, real_log())))


def _shown(line: str) -> str:
    """A line as it is shipped; empty for one that is not."""
    found = _LINE.fullmatch(line)
    if found is None or found["path"].rpartition(".")[2].lower() in STATIC:
        return ""
    referrer = _OWN_HOST.sub(f"http://{DOMAIN}", found["referrer"])
    return f"{found['network']}.0{found['request']}{referrer}{found['agent']}"


if __name__ == "__main__":
    FILE.write_bytes(gzip.compress(made().encode(), 9, mtime=0))
