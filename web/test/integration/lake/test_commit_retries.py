"""A commit that is refused is made again from what there is then, or told in words."""

from datetime import timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable

from page_tracker.lake.commit_retries import LakeBusyError, repeated
from page_tracker.lake.table import Lake, append, position
from page_tracker.schema import HITS
from page_tracker.upkeep import lake_upkeep as upkeep
from page_tracker.upkeep.due_work import Due
from page_tracker.upkeep.lake_upkeep import Upkeep, settle
from support.hits import row
from support.lake import paths

DAY = 20_700
LATE = (DAY + 3) * 86_400.0
TRIES = 6


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"), grace=timedelta(minutes=5))
    add(lake, "/a")
    return lake


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("page_tracker.lake.commit_retries.TRIES", TRIES)
    monkeypatch.setattr("page_tracker.lake.commit_retries.LONGER", 0)
    monkeypatch.setattr("page_tracker.upkeep.lake_upkeep.ENOUGH", 4)


def add(lake: Lake, path: str) -> None:
    hits = lake.snapshot("hits")
    append(hits, HITS, [row(path, DAY)], "stream:1:0", position(hits, "stream:1:0") + 1)


def test_a_refused_step_is_done_again_from_the_newest_state(lake: Lake) -> None:
    tried = 0

    def step() -> None:
        nonlocal tried
        tried += 1
        hits = lake.snapshot("hits")
        if tried == 1:
            add(lake, "/faster")
        settle(lake, hits, DAY)

    repeated(step)

    assert tried == 2
    assert paths(lake) == ["/a", "/faster"]
    assert len(lake.snapshot("hits").file_uris()) == 1


def test_upkeep_that_is_always_refused_says_so_does_the_rest_and_is_due_again(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = 0

    def slower(lake: Lake, hits: DeltaTable, day: int) -> None:
        nonlocal tried
        tried += 1
        add(lake, f"/faster/{tried:02}")
        settle(lake, hits, day)

    due = Due(lake)
    assert due.look(LATE, ())
    with monkeypatch.context() as patched:
        patched.setattr(upkeep, "settle", slower)
        with pytest.raises(LakeBusyError, match="the same once more does the rest"):
            Upkeep(lake).tidy(LATE)

    assert tried == TRIES
    assert paths(lake) == ["/a", *(f"/faster/{n:02}" for n in range(1, TRIES + 1))]
    assert len(lake.snapshot("hits").file_uris()) < TRIES  # merged all the same
    assert due.look(LATE + 60, ())
