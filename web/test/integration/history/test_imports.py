"""Imports: the same lines once, whatever they are called; back, and again."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import shutil
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from page_tracker.commands.interrupted_import import interruptible
from page_tracker.errors import (
    ImportInterruptedError,
    ImportRefusedError,
    UnknownImportError,
)
from page_tracker.history import log_reader
from page_tracker.history.imported_rows import ImportedRows
from page_tracker.history.imports import Order
from page_tracker.history.register import Import
from support.importing import (
    AGENT,
    BEGINNING,
    LINES,
    LOG,
    PATHS,
    History,
    line,
    real_log,
    write,
)


def as_standard_input(monkeypatch: pytest.MonkeyPatch, content: bytes) -> str:
    monkeypatch.setattr(
        sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(content)))
    )
    return "-"


def test_the_same_lines_add_nothing_renamed_packed_or_from_standard_input(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = write(tmp_path / "access.log", LINES)
    history.run(log)

    content = log.read_bytes()
    again = [log, log.rename(tmp_path / "renamed.log")]
    for name, pack in (
        ("gz", gzip.compress),
        ("bz2", bz2.compress),
        ("xz", lzma.compress),
    ):
        packed = tmp_path / f"access.{name}"
        packed.write_bytes(pack(content))
        again.append(packed)
    for each in again[1:]:
        outcome = history.run(each)
        assert (outcome.entry, dict(outcome.tally.left_out)) == (None, {"known": 100})
    piped = history.run(as_standard_input(monkeypatch, content))

    assert (piped.entry, dict(piped.tally.left_out)) == (None, {"known": 100})
    assert history.paths() == PATHS


def test_a_commit_says_what_each_of_its_files_holds(
    history: History, tmp_path: Path
) -> None:
    to_april = 31 * 24 * 60
    history.run(write(tmp_path / "log", [line(), line("/a", 9), line("/b", to_april)]))

    found = history.lake.snapshot("hits").get_add_actions(flatten=True)
    names = ("partition.month", "num_records", "min.time", "max.time", "max.site")
    said = sorted(zip(*(found[name].to_pylist() for name in names), strict=True))
    minute, above = timedelta(minutes=1), timedelta(milliseconds=1)
    april, site = BEGINNING + to_april * minute, history.site.id
    assert said == [
        ("2024-03", 2, BEGINNING, BEGINNING + 9 * minute + above, site),
        ("2024-04", 1, april, april + above, site),
    ]
    assert history.paths() == ["/", "/a", "/b"]


@pytest.mark.parametrize("cut", [1, 30, 99])
def test_a_log_that_has_grown_is_continued(
    history: History, tmp_path: Path, cut: int
) -> None:
    history.run(write(tmp_path / "access.log", LINES[:cut]))

    tally = history.run(write(tmp_path / "access.log", LINES)).tally

    assert (tally.left_out["known"], tally.pageviews) == (cut, 100 - cut)
    assert history.paths() == PATHS


@pytest.mark.parametrize("ends", [0, 1, 20, 60, 150, len(LINES[50]) - 1])
def test_a_log_that_was_cut_within_a_line_is_continued(
    history: History, tmp_path: Path, ends: int
) -> None:
    text = "".join(LINES)
    written = len("".join(LINES[:50])) + ends
    first = history.run(write(tmp_path / "access.log", [text[:written]])).tally
    second = history.run(write(tmp_path / "access.log", [text])).tally

    assert history.paths() == PATHS
    assert first.pageviews + second.pageviews == 100
    assert first.left_out["malformed"] + second.left_out["malformed"] == 0


def test_a_last_line_without_an_end_counts_when_it_is_whole(
    history: History, tmp_path: Path
) -> None:
    whole = "".join(LINES)[:-1]
    history.run(write(tmp_path / "access.log", [whole]))
    history.run(write(tmp_path / "with-end.log", [whole, "\n"]))

    assert history.paths() == PATHS


def test_known_logs_one_after_the_other_are_known(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, lines in ("a", LINES[:40]), ("b", LINES[40:70]):
        history.run(write(tmp_path / name, lines))

    content = "".join(LINES[40:70] + LINES[:40] + LINES[70:])
    tally = history.run(as_standard_input(monkeypatch, content.encode())).tally

    assert (tally.left_out["known"], tally.pageviews) == (70, 30)
    assert history.paths() == PATHS


def test_a_log_named_twice_in_one_command_counts_once(
    history: History, tmp_path: Path
) -> None:
    log = write(tmp_path / "access.log", LINES)
    outcome = history.run(log, log)

    assert (outcome.tally.lines, outcome.tally.pageviews) == (200, 100)
    assert history.paths() == PATHS
    assert len(history.imports.register.present(history.site.id)) == 1


def test_a_few_known_lines_on_their_own_do_not_hide_the_log_that_they_begin(
    history: History, tmp_path: Path
) -> None:
    lines = [line(f"/{number}", number) for number in range(20)]
    log = write(tmp_path / "access.log", lines)
    history.run(log)
    history.run(write(tmp_path / "few.log", lines[:1]))

    assert history.run(log).entry is None


def test_lines_that_are_repeated_within_a_log_count_each(
    history: History, tmp_path: Path
) -> None:
    history.run(write(tmp_path / "access.log", [LINES[0]] * 3))

    assert history.paths() == ["/0"] * 3


def test_an_import_is_undone_as_a_whole_and_can_be_repeated(
    history: History, tmp_path: Path
) -> None:
    kept = write(tmp_path / "kept.log", [line("/kept", 500)])
    log = write(tmp_path / "access.log", LINES)
    history.run(kept)
    history.run(log)
    assert history.live.total(history.site.id) == 101
    history.undo("2")

    assert history.paths() == ["/kept"]
    assert history.live.total(history.site.id) == 1
    assert [each.id for each in history.imports.register.present(history.site.id)] == [
        "1"
    ]
    with pytest.raises(UnknownImportError):
        history.undo("2")
    with pytest.raises(UnknownImportError, match="other.example has no import 1"):
        history.imports.undo("1", [history.site], "other.example")

    assert history.run(log).tally.pageviews == 100
    assert history.paths() == [*PATHS, "/kept"]
    assert history.live.total(history.site.id) == 101
    assert history.live.views(history.site.id, "/7") == 1


def test_what_others_continue_is_undone_after_them(
    history: History, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"
    for length in (40, 80, 100):
        history.run(write(log, LINES[:length]))
    history.run(write(tmp_path / "other.log", [line("/other", 200)]))

    with pytest.raises(ImportRefusedError, match="in this order: 3, 2$"):
        history.undo("1")
    assert len(history.paths()) == 101
    for import_id in ("3", "2", "1"):
        history.undo(import_id)
    history.run(log)

    assert history.paths() == [*PATHS, "/other"]


def test_imported_visits_have_a_high_half_of_their_own(
    history: History, tmp_path: Path
) -> None:
    history.run(write(tmp_path / "a.log", [line("/a")]))
    history.run(write(tmp_path / "b.log", [line("/b")]))

    rows = history.rows("SELECT path, visitor >> 32, visitor & 4294967295 FROM hits")
    origins = {
        each.origin for each in history.imports.register.present(history.site.id)
    }
    assert {origin for _, origin, _ in rows} == origins and len(origins) == 2
    assert [number for *_, number in rows] == [1, 1]


def test_a_dry_run_says_the_same_and_changes_nothing(
    history: History, tmp_path: Path
) -> None:
    log = write(tmp_path / "access.log", LINES)
    order = Order(history.site, [str(log)])
    rehearsed = history.imports.rehearse(order, tmp_path)

    assert not (tmp_path / "data").exists()
    tally = history.run(log).tally
    assert (rehearsed.lines, rehearsed.pageviews, rehearsed.left_out) == (
        tally.lines,
        tally.pageviews,
        tally.left_out,
    )


def test_half_of_the_real_log_now_and_all_of_it_later_is_all_of_it_once(
    history: History, tmp_path: Path
) -> None:
    lines = real_log()
    history.run(write(tmp_path / "access.log", lines[:5_000]))
    history.run(LOG)

    assert len(history.paths()) == 1_550
    assert history.live.total(history.site.id) == 1_550


def test_nuls_that_emptying_a_log_leaves_at_its_start_are_no_lines(
    history: History, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"
    with open(log, "wb") as file:
        file.truncate(9_000_000)
        file.seek(0, os.SEEK_END)
        file.write("".join(LINES).encode())
    tally = history.run(log).tally

    assert (tally.lines, tally.pageviews) == (100, 100)
    assert history.run(write(tmp_path / "b.log", LINES)).entry is None


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("lines_of", "nothing was counted"),
        ("put_import", "import 1 of semicomplete.com had begun to count"),
        ("rmtree", "import 1 was done"),
    ],
)
def test_ctrl_c_says_what_holds_and_the_same_command_goes_on(
    history: History,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    when: str,
    said: str,
) -> None:
    log = write(tmp_path / "access.log", LINES)
    where: object = {"put_import": history.live, "lines_of": log_reader}.get(
        when, shutil
    )

    def interrupted(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(where, when, interrupted)
        with pytest.raises(ImportInterruptedError, match=said):
            with interruptible(history.imports.register):
                history.run(log)
    history.run(log)

    assert history.paths() == PATHS
    assert history.live.total(history.site.id) == 100


def test_an_import_that_was_killed_is_finished_by_the_next_one(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = write(tmp_path / "access.log", LINES)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(history.live, "put_import", killed)
        with pytest.raises(KeyboardInterrupt):
            history.run(log)
    outcome = history.run(log)

    assert history.told.finished == ["1"]
    assert outcome.tally.left_out["known"] == 100
    assert history.paths() == PATHS
    assert history.live.total(history.site.id) == 100
    assert not history.left_behind()


BOT_LINES = [
    each.replace(AGENT, "Mozilla/5.0 (compatible; Googlebot/2.1)") for each in LINES[:7]
]
DROPS = "SELECT reason, name, sum(number)::INT FROM drops GROUP BY ALL ORDER BY ALL"


def test_what_a_server_would_have_dropped_is_in_the_drops_until_it_is_undone(
    history: History, tmp_path: Path
) -> None:
    log = write(tmp_path / "access.log", BOT_LINES + LINES)
    for _ in range(2):
        history.run(log)
        assert history.rows(DROPS) == [("bot", "Googlebot", 7)]
    for id_ in ("1", "2"):
        history.undo(id_)
        assert history.rows(DROPS) == [("bot", "Googlebot", 0)]
        history.run(log)
        assert history.rows(DROPS) == [("bot", "Googlebot", 7)]


@pytest.mark.parametrize("step", ["commit_drops", "take_back_drops"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_import_killed_at_its_drops_has_them_once(
    history: History,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    when: str,
) -> None:
    log = write(tmp_path / "access.log", BOT_LINES + LINES)
    whole = getattr(ImportedRows, step)

    def killed(stored: ImportedRows, entry: Import) -> None:
        if when == "after":
            whole(stored, entry)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ImportedRows, step, killed)
        with pytest.raises(KeyboardInterrupt):
            history.run(log)
            history.undo("1")
    history.run(log)

    assert history.rows(DROPS) == [("bot", "Googlebot", 7)]
    assert history.paths() == PATHS


def test_neither_address_nor_user_agent_is_left_on_disk(
    history: History, tmp_path: Path
) -> None:
    marked = line("/", 0, "203.0.113.77").replace("X11", "MarkedAgent")
    log = write(tmp_path / "access.log", [marked])
    history.run(log)
    log.unlink()

    for file in (each for each in history.folder.rglob("*") if each.is_file()):
        content = file.read_bytes()
        assert b"203.0.113.77" not in content and b"MarkedAgent" not in content


def test_a_bot_that_is_let_in_counts_in_an_import_too(
    history: History, tmp_path: Path
) -> None:
    gptbot = [each.replace(AGENT, "GPTBot/1.2") for each in LINES]
    before = history.run(write(tmp_path / "a.log", gptbot[:3])).tally

    history.site = replace(history.site, counted_bots=("GPTBot",))
    history.run(write(tmp_path / "b.log", [*gptbot[3:5], LINES[5]]))

    assert (before.left_out["bot"], history.paths()) == (3, PATHS[3:6])
