"""A log that comes piece by piece: its order, its bounds, and how it goes again."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from page_tracker.errors import ImportRefusedError, ImportsBusyError
from page_tracker.history import sent_log
from page_tracker.history.sent_log import KEPT_SECONDS, SentLogs, plain_name

SITE = "a.example"


@pytest.fixture
def logs(tmp_path: Path) -> SentLogs:
    return SentLogs(tmp_path / "sent", longest=1_000)


def files(logs: SentLogs) -> list[str]:
    return sorted(each.name for each in logs.folder.rglob("*") if each.is_file())


def test_pieces_come_in_their_order_and_no_more_than_was_said(logs: SentLogs) -> None:
    sent = logs.add(logs.begin(SITE, "access.log", 10), 0, b"01234")
    assert (sent.done, sent.total) == (5, 10)
    for at, piece in ((0, b"0"), (4, b"4"), (6, b"6"), (5, b"567890")):
        with pytest.raises(ImportRefusedError):
            logs.add(sent, at, piece)
    sent = logs.add(sent, 5, b"56789")
    assert logs.log(sent).read_bytes() == b"0123456789"
    assert logs.log(sent).stat().st_mode & 0o077 == 0
    with pytest.raises(ImportRefusedError):
        logs.add(replace(sent, step="read"), 10, b"")


def test_a_log_that_does_not_fit_is_refused_before_it_comes(
    logs: SentLogs, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ImportRefusedError, match="PAGE_TRACKER_LONGEST_LOG"):
        logs.begin(SITE, "access.log", 1_001)
    monkeypatch.setattr(sent_log, "LEAST_ROOM", 1 << 60)
    with pytest.raises(ImportRefusedError, match="MB of room"):
        logs.begin(SITE, "access.log", 10)
    assert files(logs) == []


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("access.log.gz", "access.log.gz"),
        ("C:\\logs\\access.log", "access.log"),
        ("../../mirror.json", "mirror.json"),
        ("-", "access.log"),
        ("..", "access.log"),
        ("a\n\0b.log", "ab.log"),
        ("x" * 300 + ".gz", "x" * 97 + ".gz"),
    ],
)
def test_a_file_s_name_is_one_within_its_folder(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_who_works_on_a_log_keeps_others_away_until_it_ends(logs: SentLogs) -> None:
    sent = logs.save(replace(logs.begin(SITE, "access.log", 1), step="importing"))
    assert logs.is_worked_on(sent)  # it is about to be
    old = replace(sent, changed=time.time() - sent_log.BEGIN_SECONDS - 1)
    assert not logs.is_worked_on(old)  # it was killed
    with logs.working(SITE):
        assert logs.is_worked_on(old)
        with pytest.raises(ImportsBusyError):
            logs.begin(SITE, "other.log", 1)


def test_a_log_that_waits_is_not_overwritten(logs: SentLogs) -> None:
    logs.save(replace(logs.begin(SITE, "access.log", 1), step="read"))
    with pytest.raises(ImportsBusyError, match="throw it away first"):
        logs.begin(SITE, "other.log", 1)
    logs.discard(SITE)
    logs.begin(SITE, "other.log", 1)


def test_nothing_stays_that_nobody_has_touched_for_a_day(logs: SentLogs) -> None:
    logs.begin(SITE, "access.log", 1)
    logs.begin("gone.example", "access.log", 1)
    logs.tidy(time.time(), {SITE})
    assert [each.name for each in logs.folder.iterdir()] == [SITE]
    logs.tidy(time.time() + KEPT_SECONDS - 60, {SITE})
    assert "access.log" in files(logs)
    logs.tidy(time.time() + KEPT_SECONDS + 60, {SITE})
    assert files(logs) == []
