"""Files of batches on disk: read as written, cut where they were cut, never guessed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from page_tracker.collect import spool_file
from page_tracker.collect.spool_file import (
    DAMAGED,
    SpooledBatch,
    SpoolFile,
    SpoolFolder,
    SpoolFullError,
)
from page_tracker.hits.hit import Drop
from page_tracker.store.ingest import BatchId
from support.ingesting import DAY, SITE, a_batch, a_hit

LESS = Drop(DAY, SITE, "invalid_revenue", "x")
BATCHES = [
    a_batch(
        3,
        replace(a_hit(f"/{number}", event_id="e"), group="7", less=LESS),
        drops=[Drop(DAY, SITE, "bot", "Googlebot")],
        id=BatchId("queue", number),
    )
    for number in range(4)
]


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> SpoolFolder:
    return SpoolFolder(tmp_path / "spool", most_bytes=10_000_000)


@pytest.fixture(name="file")
def _file(folder: SpoolFolder) -> Iterator[SpoolFile]:
    file = folder.new_file(3)
    for batch in BATCHES:
        file.append(batch, folder)
    yield file
    file.release()


def all_of(file: SpoolFile) -> list[SpooledBatch]:
    found = []
    while not file.is_settled:
        for batch, end in file.read():
            found.append(batch)
            file.settled(end)
    return found


def taken_over(folder: SpoolFolder) -> SpoolFile:
    file = folder.left_behind(3)
    assert file
    return file


@pytest.mark.parametrize("read_at_once", [20, 300, 1_000_000])
def test_batches_are_read_as_they_were_written_in_their_order(
    file: SpoolFile, monkeypatch: pytest.MonkeyPatch, read_at_once: int
) -> None:
    monkeypatch.setattr(spool_file, "READ_AT_ONCE", read_at_once)
    assert all_of(file) == [
        SpooledBatch(b.id.queue, b.id.number, b.moment, list(b.hits), list(b.drops))
        for b in BATCHES
    ]


def test_a_file_is_taken_over_once_and_only_when_nobody_holds_it(
    folder: SpoolFolder, file: SpoolFile
) -> None:
    assert folder.left_behind(3) is None
    file.release()
    assert folder.left_behind(2) is None, "it is another shard's"
    other = taken_over(folder)
    assert len(all_of(other)) == 4
    assert folder.left_behind(3) is None
    other.remove()
    assert folder.left_behind(3) is None


@pytest.mark.parametrize("cut", [1, 30, 150])
def test_a_batch_that_was_cut_in_writing_is_told_and_left_out(
    folder: SpoolFolder, file: SpoolFile, caplog: pytest.LogCaptureFixture, cut: int
) -> None:
    file.release()
    file.path.write_bytes(file.path.read_bytes()[:-cut])
    other = taken_over(folder)
    assert [batch.number for batch in all_of(other)] == [0, 1, 2]
    other.remove()
    assert "a batch that was never acknowledged" in caplog.text
    assert not list(folder.path.iterdir())


@pytest.mark.parametrize("place", [0, 5, 60])
def test_what_is_damaged_is_told_and_kept_with_all_that_follows(
    folder: SpoolFolder, file: SpoolFile, caplog: pytest.LogCaptureFixture, place: int
) -> None:
    file.release()
    content = bytearray(file.path.read_bytes())
    size = len(content) // 4
    content[2 * size + place] ^= 255
    file.path.write_bytes(content)
    other = taken_over(folder)
    assert [batch.number for batch in all_of(other)] == [0, 1]
    other.remove()
    assert f"is damaged; its last {2 * size} bytes could not be stored" in caplog.text
    (kept,) = folder.state().others
    assert (kept.suffix, kept.read_bytes()) == (DAMAGED, bytes(content))


def test_nothing_is_written_beyond_the_bound_or_onto_a_full_disk(
    folder: SpoolFolder, file: SpoolFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.path.read_bytes()
    with pytest.raises(SpoolFullError, match="PAGE_TRACKER_MOST_IN_SPOOL"):
        file.append(BATCHES[0], SpoolFolder(folder.path, len(before)))
    monkeypatch.setattr(spool_file, "RESERVE", 10**18)
    with pytest.raises(SpoolFullError, match="the disk"):
        file.append(BATCHES[0], folder)
    assert file.path.read_bytes() == before


def test_what_waits_is_told_with_its_age(folder: SpoolFolder, file: SpoolFile) -> None:
    state = folder.state()
    assert state.waiting == file.path.stat().st_size > 0
    assert state.since and not state.others
    file.remove()
    assert folder.state() == (0, None, [])
