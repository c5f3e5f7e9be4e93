"""What `page-tracker support` packs: enough to find a fault, and nobody's business."""

from __future__ import annotations

import stat
from pathlib import Path
from zipfile import ZipFile

import pytest

from page_tracker.support_pack import Mask
from support.own_redis import own_redis
from support.processes import command

SITE, ALIAS = "marked-site.example", "old-marked.example"
MARKS = {
    "PAGE_TRACKER_URL": "https://stats.marked.example",
    "PAGE_TRACKER_TRUSTED_PROXIES": "198.51.100.7,2001:db8:77::1",
    "PAGE_TRACKER_WORKERS": "3",
}
LOG = f"""{{"message": "a line of the log about {SITE.upper()}"}}
from 203.0.113.9:4711 and [2001:DB8:77AB::91cd]:80, at 12:34:56.789
"""
SECRET = ("marked", "198.51", "203.0", "2001:", "91cd", "s3cret")


def packed(folder: Path, *options: str, **environment: str) -> dict[str, str]:
    """The files of the pack by their names."""
    command("support", "--output", str(folder), *options, **environment)
    (file,) = folder.glob("page-tracker-support-*.zip")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with ZipFile(file) as opened:
        texts = {name: opened.read(name).decode() for name in opened.namelist()}
    file.unlink()
    return texts


def test_all_that_helps_is_in_it_and_nothing_that_tells_whose_server_it_is(
    tmp_path: Path,
) -> None:
    data, log = tmp_path / "data", tmp_path / "log"
    log.write_text(LOG)
    data.mkdir()
    with own_redis(data) as store:
        environment = MARKS | {"REDIS_URL": store.url, "PAGE_TRACKER_DATA": str(data)}
        command("site", "add", SITE, "--aliases", ALIAS, **environment)
        texts = packed(tmp_path, "--log", str(log), **environment)

    assert "ok       Redis: takes writes" in texts["doctor.txt"]
    assert "sites: 1: site-1" in texts["doctor.txt"].replace("site-2", "site-1")
    assert "page-tracker 0." in texts["versions.txt"]
    assert "deltalake 1." in texts["versions.txt"]
    assert "PAGE_TRACKER_WORKERS  3" in texts["settings.txt"]
    assert "PAGE_TRACKER_URL  https://this-server" in texts["settings.txt"]
    assert "mirror.json" in texts["data-folder.txt"]
    assert "not available" in texts["lake.txt"]
    assert "Valkey" in texts["redis-log.txt"] or "valkey" in texts["redis-log.txt"]
    assert "from (address):4711" in texts["log.txt"]
    assert "at 12:34:56.789" in texts["log.txt"]
    found = [(name, each) for name in texts for each in SECRET if each in texts[name]]
    assert not found


def test_where_there_is_no_server_the_rest_is_packed(tmp_path: Path) -> None:
    texts = packed(
        tmp_path,
        PAGE_TRACKER_DATA=str(tmp_path / "none"),
        REDIS_URL="redis://:s3cret@127.0.0.1:1/0",
    )

    assert texts["doctor.txt"].startswith("not available: ")
    assert "REDIS_URL  redis://127.0.0.1:1/0" in texts["settings.txt"]
    assert "Python 3." in texts["versions.txt"]
    assert "s3cret" not in "".join(texts.values())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a.example and b.a.example", "site-1 and site-2"),
        ("/home/ada/data", "~/data"),
        ("127.0.0.1 ::1 0.0.0.0", "127.0.0.1 ::1 0.0.0.0"),
        ("::ffff:192.0.2.1 1.2.3.4/8", "(address) (address)/8"),
        ("9.1.0 20:15:01 1.1.20251105", "9.1.0 20:15:01 1.1.20251105"),
    ],
)
def test_names_and_addresses_are_replaced_and_figures_stay(
    text: str, shown: str
) -> None:
    assert Mask({"a.example", "b.a.example"}, "", "/home/ada")(text) == shown
