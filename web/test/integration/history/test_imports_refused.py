"""What an import refuses, in one line, before it has counted anything."""

from __future__ import annotations

import gzip
import lzma
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from page_tracker.errors import (
    DamagedRecordError,
    ImportRefusedError,
    ImportsBusyError,
    LogFileError,
)
from page_tracker.history.imports import Order
from page_tracker.history.lines import open_log
from page_tracker.history.register import Register
from page_tracker.history.tail import Tail
from page_tracker.history.wanted import Wanted
from page_tracker.lake.table import append
from page_tracker.schema import HITS
from support.importing import LINES, PATHS, History, line, write


def test_a_shortened_copy_of_a_known_log_is_refused(
    history: History, tmp_path: Path
) -> None:
    history.run(write(tmp_path / "access.log", LINES))

    with pytest.raises(ImportRefusedError, match="begins with lines of import 1"):
        history.run(write(tmp_path / "short.log", LINES[:30]))

    assert history.paths() == PATHS
    assert not history.left_behind()


def test_days_that_have_live_hits_are_refused_unless_asked_for(
    history: History, tmp_path: Path
) -> None:
    log = write(tmp_path / "access.log", LINES)
    history.live_days.add(19_783)

    with pytest.raises(ImportRefusedError, match="2024-03-01.*--overlap"):
        history.run(log)
    assert not history.lake.snapshot("hits").file_uris()
    assert not history.left_behind()

    history.run(log, overlap=True)
    assert history.paths() == PATHS


def test_a_dry_run_is_refused_as_the_import_would_be(
    history: History, tmp_path: Path
) -> None:
    log = write(tmp_path / "access.log", LINES)
    history.live_days.add(19_783)
    order = Order(history.site, [str(log)])

    with pytest.raises(ImportRefusedError, match="--overlap"):
        history.imports.rehearse(order, tmp_path)
    order = replace(order, overlap=True)
    assert history.imports.rehearse(order, tmp_path).pageviews == len(LINES)


def test_two_processes_do_not_import_at_once(history: History, tmp_path: Path) -> None:
    with Register(history.folder / "imports").locked():
        with pytest.raises(ImportsBusyError):
            history.run(write(tmp_path / "access.log", LINES))


def test_a_note_that_is_damaged_is_named_and_nothing_is_counted_twice(
    history: History, tmp_path: Path
) -> None:
    note = history.folder / "imports" / "1.json"
    note.parent.mkdir(parents=True)
    for damaged in (b"", bytes(90), b'{"id":', b'{"id": 1}'):
        note.write_bytes(damaged)

        with pytest.raises(DamagedRecordError, match=f"{note} is damaged"):
            history.run(write(tmp_path / "access.log", LINES))
        assert note.read_bytes() == damaged
    assert not history.lake.snapshot("hits").file_uris()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"no log\nat all\n", "no access log in a format that is known"),
        (b"\x28\xb5\x2f\xfd1234", "zstd"),
        (gzip.compress("".join(LINES).encode())[:-20], "damaged or cut off"),
        (b"BZh91AY&SY" + b"x" * 30, "damaged or cut off"),
        (lzma.compress("".join(LINES).encode())[:-20], "damaged or cut off"),
        (b"x" * 3_000_000, "a line of more than"),
    ],
)
def test_what_is_no_log_is_refused_in_one_line(
    history: History, tmp_path: Path, content: bytes, problem: str
) -> None:
    log = tmp_path / "some.log"
    log.write_bytes(content)

    with pytest.raises(LogFileError, match=problem) as refused:
        history.run(log)

    assert "\n" not in str(refused.value)
    assert not history.left_behind()


def test_a_missing_log_and_a_wrong_format_are_refused(
    history: History, tmp_path: Path
) -> None:
    with pytest.raises(LogFileError, match="cannot be read"):
        history.run(tmp_path / "missing.log")
    with pytest.raises(LogFileError, match="looks like combined"):
        history.run(write(tmp_path / "a.log", LINES), wanted=Wanted("caddy"))


def test_a_log_in_a_closed_folder_says_which_folder(tmp_path: Path) -> None:
    log = write(tmp_path / "closed" / "inner" / "access.log", LINES)
    (tmp_path / "closed").chmod(0)
    try:
        with as_nobody(), pytest.raises(LogFileError, match="may not enter the folder"):
            with open_log(str(log)):
                pass
        with as_nobody(), pytest.raises(LogFileError, match="may not enter the folder"):
            Tail(log, None)
    finally:
        (tmp_path / "closed").chmod(0o700)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be a user who may read nothing of others'."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_days_that_the_lake_has_live_hits_of_are_refused(
    history: History, tmp_path: Path
) -> None:
    values: dict[str, object] = dict.fromkeys((column.name for column in HITS), "") | {
        "time": 19_783 * 86_400_000_000,
        "day": 19_783,
        "site": history.site.id,
        "visitor": (77 << 32) + 1,
        "visit": (77 << 32) + 1,
        **dict.fromkeys(("step", "view", "interaction"), 1),
        **dict.fromkeys(("since", "elapsed"), 0),
        **dict.fromkeys(("engaged", "scroll", "revenue"), None),
        "arrival": True,
        "props": {},
        "month": "2024-03",
    }
    append(
        history.lake.snapshot("hits"), HITS, [tuple(values.values())], "stream:77:0", 1
    )
    before = write(tmp_path / "before.log", [line("/before", -60 * 24)])

    with pytest.raises(ImportRefusedError, match="2024-03-01 itself"):
        history.run(write(tmp_path / "access.log", LINES))
    assert history.run(before).tally.pageviews == 1
