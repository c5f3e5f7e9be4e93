"""Logs are imported from any machine into a lake in a bucket, by one at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from page_tracker.errors import ImportRefusedError, ImportsBusyError
from page_tracker.history import imports
from page_tracker.history.imported_rows import ImportedRows
from page_tracker.history.register import Register
from page_tracker.settings import Settings
from page_tracker.sites.site import Site
from page_tracker.wiring.lake import open_lake
from page_tracker.wiring.register import open_register
from support.importing import History, line, write
from support.lake import paths
from support.own_bucket import KEY, SECRET, OwnBucket

LINES = [line(f"/{number}", number) for number in range(5)]
PATHS = [f"/{number}" for number in range(5)]

Machine = Callable[[str], History]


@pytest.fixture(name="machine")
def machines_of_a_bucket(
    bucket_store: OwnBucket, redis_client: Redis, tmp_path: Path
) -> Machine:
    """Each has a data folder of its own."""
    redis_client.flushall()
    uri = bucket_store.bucket().uri

    def machine(name: str) -> History:
        settings = Settings(
            data=tmp_path / name,
            lake=uri,
            s3_endpoint=bucket_store.url,
            s3_key=KEY,
            s3_secret=SECRET,
            s3_allow_http="true",
        )
        lake, register = open_lake(settings), open_register(settings)
        return History(
            settings.data, redis_client, Site(id="a.example"), lake, register
        )

    return machine


def test_what_one_machine_has_imported_another_knows_and_undoes(
    machine: Machine, tmp_path: Path
) -> None:
    log, one, other = write(tmp_path / "log", LINES), machine("one"), machine("other")
    one.run(log)
    assert other.run(log).tally.left_out["known"] == 5
    assert other.paths() == PATHS
    other.undo("1")
    assert one.imports.register.present() == []
    assert (paths(one.lake), one.live.total("a.example")) == ([], 0)
    assert one.run(log).entry
    assert other.paths() == PATHS


def test_one_machine_imports_at_a_time(machine: Machine, tmp_path: Path) -> None:
    log, one, other = write(tmp_path / "log", LINES), machine("one"), machine("other")
    said = "another machine is importing into s3://.*; wait until it has finished"
    with one.imports.register.locked():
        with pytest.raises(ImportsBusyError, match=said):
            other.run(log)
    assert other.run(log).entry


def test_an_import_whose_machine_died_is_finished_there_or_undone_anywhere(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, one, other = write(tmp_path / "log", LINES), machine("one"), machine("other")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(imports, "gethostname", lambda: "one.example")
    with monkeypatch.context() as patched:
        patched.setattr(ImportedRows, "commit_drops", killed)
        with pytest.raises(KeyboardInterrupt):
            one.run(log)
    monkeypatch.setattr(imports, "gethostname", lambda: "other.example")
    said = "import 1 of a.example was interrupted on one.example, which has the rest"
    with pytest.raises(ImportRefusedError, match=said):
        other.run(log)
    other.undo("1")
    assert other.run(log).entry
    assert other.paths() == PATHS


def test_a_register_is_copied_whole(machine: Machine, tmp_path: Path) -> None:
    one = machine("one")
    one.run(write(tmp_path / "log", LINES))
    copy = Register(tmp_path / "copy")
    one.imports.register.copy_to(copy)
    assert copy.all() == one.imports.register.all() != []
