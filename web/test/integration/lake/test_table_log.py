"""All transactions of a table's log, read at once, are those that deltalake tells."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import DeltaError
from hypothesis import given
from hypothesis import strategies as st

from page_tracker.lake import table_log
from page_tracker.lake.table import Lake
from page_tracker.lake.table_log import MANY, Log, transactions

NAMES = [f"closed:{number}" for number in range(MANY)]


def commit(hits: DeltaTable, names: list[str]) -> None:
    """Move the marks of these names in one commit."""
    marks = [Transaction(name, hits.version() + 1) for name in names]
    hits.create_write_transaction(
        [],
        "append",
        hits.schema(),
        commit_properties=CommitProperties(app_transactions=marks),
    )
    hits.update_incremental()


@given(
    st.lists(
        st.lists(st.sampled_from(NAMES), unique=True, max_size=3)
        | st.sampled_from(["checkpoint", "clean up", "stay behind"]),
        max_size=12,
    )
)
def test_all_transactions_of_a_snapshot_are_told(steps: list[list[str] | str]) -> None:
    with TemporaryDirectory() as folder:
        lake = Lake(folder, grace=timedelta(0))
        hits, marks = lake.snapshot("hits"), dict[str, int]()
        behind = [(lake.snapshot("hits"), marks)]
        for step in steps:
            if step == "checkpoint":
                hits.create_checkpoint()
            elif step == "clean up":
                hits.cleanup_metadata()
            elif step == "stay behind":
                behind.append((lake.snapshot("hits"), marks))
            elif isinstance(step, list):
                commit(hits, step)
                marks = marks | dict.fromkeys(step, hits.version())
        assert transactions(lake.log("hits"), hits, NAMES) == marks
        for snapshot, its_marks in behind:
            with suppress(DeltaError):  # its log was cleaned up since
                assert transactions(lake.log("hits"), snapshot, NAMES) == its_marks


def test_a_checkpoint_that_cannot_be_read_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(str(tmp_path))
    hits = lake.snapshot("hits")
    commit(hits, NAMES[:2])
    monkeypatch.setattr(table_log, "_checkpointed", _unreadable)
    hits.create_checkpoint()

    assert transactions(lake.log("hits"), hits, NAMES) == dict.fromkeys(NAMES[:2], 1)


def _unreadable(_: object, _log: Log, checkpoint: str) -> dict[str, int]:
    raise OSError(f"{checkpoint} is damaged")
