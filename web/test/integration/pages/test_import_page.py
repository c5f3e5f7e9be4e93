"""A log that is sent by the page: looked at, imported, undone, in a command's words."""

from __future__ import annotations

import gzip
import html
import io
import re
from datetime import date
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner
from werkzeug.test import TestResponse

from page_tracker import app as app_module
from page_tracker.cli import main
from page_tracker.history import sent_log
from page_tracker.lake.table import Lake
from page_tracker.people.roles import Role
from page_tracker.web.pages.refusals import LONGEST_PIECE
from support.asked import put, view
from support.importing import LOG
from support.lake import paths
from support.people import Visitor, signed_in
from support.processes import wait_until

SITE = "a.org"
FORMS = f"/sites/{SITE}/import"
TAG = re.compile(r"<[^>]*>")


@pytest.fixture
def ada() -> Visitor:
    app_module.sites().add(SITE, {})
    return signed_in("ada", Role.OWNER)


def send(visitor: Visitor, log: bytes, name: str, piece: int = 0) -> TestResponse:
    """Send a log: as a whole, as a form does, or in pieces, as the script does."""
    token = visitor.token()
    for at in range(0, len(log), piece or len(log)):
        part = log[at : at + piece] if piece else log
        fields = {"token": token, "at": str(at), "log": (io.BytesIO(part), name)}
        size = {"size": str(len(log))} if piece else {}
        answer = visitor.client.post(f"{FORMS}/log", data={**fields, **size})
        if answer.status_code != 204:
            break
    return answer


def shown(visitor: Visitor) -> str:
    """What a person reads of the page, once nobody works any more."""

    def look() -> str:
        page = visitor.get(f"/{SITE}/import")
        assert page.status_code == 200, page.text
        return page.text

    wait_until(lambda: "look again" not in look())
    return " ".join(html.unescape(TAG.sub(" ", look())).split())


def said(*words: str) -> str:
    result = CliRunner().invoke(main, words)
    return " ".join(result.output.split())


def left_behind(folder: Path) -> list[str]:
    found = (folder / "imports" / "sent").rglob("*")
    return sorted(each.name for each in found if each.is_file())


def test_a_log_is_looked_at_then_imported_then_undone(
    ada: Visitor, tmp_path: Path
) -> None:
    lake = Lake(str(tmp_path / "lake"))
    put(lake, [view(1, "/", date(2015, 5, 18)) | {"site": SITE}], 1)
    came = send(ada, LOG.read_bytes(), LOG.name, piece=100_000)
    assert (came.status_code, came.location) == (303, f"/{SITE}/import")

    refused = shown(ada)
    assert ".org has counted hits of 2015-05-18 itself" in refused
    ada.post(f"{FORMS}/read", overlap="on")
    would = shown(ada)
    told = said("import", SITE, str(LOG), "--dry-run", "--overlap")
    assert told[told.index(f"{SITE}: would import") :] in would
    assert len(paths(lake)) == 1

    ada.post(f"{FORMS}/run")
    done = shown(ada)
    assert "import 1 brought 2015-05-17 to 2015-05-20" in done
    assert LOG.name in said("import", "--list") and str(tmp_path) not in done
    assert len(paths(lake)) == 1_551
    assert left_behind(tmp_path) == ["lock", "state.json"]

    assert "1,550 page views of 2015-05-17 to 2015-05-20 would go" in done
    ada.post(f"{FORMS}/undo", **{"import": "1"})
    assert "import 1 is undone; its 1,550 page views went" in shown(ada)
    assert len(paths(lake)) == 1
    assert "There is no import yet" in said("import", "--list")


def test_what_is_no_log_is_refused_in_the_command_s_words(
    ada: Visitor, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.log"
    photo.write_text("this is no log\n" * 20)
    assert send(ada, photo.read_bytes(), photo.name).status_code == 303
    page = shown(ada)
    words = said("import", SITE, str(photo)).removeprefix("page-tracker: ")
    problem, _, _ = words.replace(f"{tmp_path}/", "").partition("; ")
    assert problem.casefold() in page.casefold()
    ada.post(f"{FORMS}/discard")
    assert left_behind(tmp_path) == []
    assert "No log of a.org is there" in ada.post(f"{FORMS}/run").text


def test_a_killed_import_says_so_and_goes_on(
    ada: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = gzip.decompress(LOG.read_bytes())
    send(ada, gzip.compress(log * 3), "three.log.gz", piece=400_000)
    assert "would import 2015-05-17" in shown(ada)
    ada.post(f"{FORMS}/run")
    wait_until(lambda: any((tmp_path / "imports").glob("spool-*")))
    for process in psutil.Process().children(recursive=True):
        if "sent-log" in " ".join(_command_of(process)):
            process.kill()
    monkeypatch.setattr(sent_log, "BEGIN_SECONDS", 0)
    assert "The server was stopped while it imported three.log.gz" in shown(ada)
    assert ada.post(f"{FORMS}/run").status_code == 303
    ends = ("brought 2015-05-17", "which was interrupted, is finished")
    wait_until(lambda: any(end in shown(ada) for end in ends))
    assert len(paths(Lake(str(tmp_path / "lake")))) == 3 * 1_550
    assert left_behind(tmp_path) == ["lock", "state.json"]


def _command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_a_log_that_is_too_large_is_refused_with_what_to_do(
    ada: Visitor, tmp_path: Path
) -> None:
    whole = ada.client.post(
        f"{FORMS}/log",
        data=bytes(LONGEST_PIECE + 1),
        content_type="multipart/form-data; boundary=x",
    )
    assert whole.status_code == 413 and "Turn JavaScript on" in whole.text
    fields = {"at": "0", "size": str(2_000_000_001), "token": ada.token()}
    declared = ada.client.post(
        f"{FORMS}/log", data={**fields, "log": (io.BytesIO(b"x"), "large.log")}
    )
    assert declared.status_code == 409
    assert "PAGE_TRACKER_LONGEST_LOG" in declared.text
    assert left_behind(tmp_path) == []


def test_an_editor_imports_and_an_owner_undoes(ada: Visitor) -> None:
    bob = signed_in("bob", Role.EDITOR, [SITE])
    assert "Import a log" in bob.get(f"/{SITE}").text
    assert bob.get(f"/{SITE}/import").status_code == 200
    assert bob.post(f"{FORMS}/undo", **{"import": "1"}).status_code == 403
    assert "has no import 1" in ada.post(f"{FORMS}/undo", **{"import": "1"}).text
    eve = signed_in("eve", Role.VIEWER, [SITE])
    assert "Import a log" not in eve.get(f"/{SITE}").text
    assert send(eve, b"x", "access.log").status_code == 403
