"""A table that is kept open says what one says that was opened just now."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from deltalake import CommitProperties, DeltaTable, Transaction
from hypothesis import example, given
from hypothesis import strategies as st
from redis import Redis

from page_tracker.lake.followed import FollowedTables
from page_tracker.lake.table import Lake
from page_tracker.lake.table_log import LOG
from page_tracker.store.stream import Stream
from page_tracker.writer.writer import Writer
from support.hits import send
from support.meddling import meddling
from support.own_bucket import OwnBucket, lake_in

NAMES = ("a", "b", "c")
WHAT_HAPPENS = (
    *("it commits", "another commits", "another commits in the last one's place"),
    *("the last one is lost", "a checkpoint is made", "the log is cut"),
)


def commit(table: DeltaTable, name: str, number: int) -> None:
    table.create_write_transaction(
        [],
        "append",
        table.schema(),
        commit_properties=CommitProperties(
            app_transactions=[Transaction(name, number)]
        ),
    )
    table.update_incremental()


def lose_last_commit(log: Path) -> None:
    """Unless it is the first, or a checkpoint has it too."""
    summed_up = [path.name[:20] for path in log.glob("*.checkpoint.parquet")]
    last = max(log.glob("*.json"))
    if last.name[:20] > max(summed_up, default="0" * 20):
        last.unlink()


@given(
    st.lists(
        st.tuples(st.sampled_from(WHAT_HAPPENS), st.sampled_from(NAMES), st.booleans()),
        min_size=1,
        max_size=8,
    )
)
@example([("it commits", "a", False), ("the last one is lost", "a", True)])
@example([("it commits", "a", True), (WHAT_HAPPENS[2], "b", True)])
def test_it_has_the_last_transactions_whatever_others_do(
    steps: list[tuple[str, str, bool]],
) -> None:
    """After some of the steps it looks, as a process does once a second."""
    with TemporaryDirectory() as folder:
        lake = Lake(folder, grace=timedelta(0))
        tables = FollowedTables(lake)
        for number, (step, name, looks) in enumerate(steps, start=1):
            table = lake.snapshot("hits")
            if step == "it commits":
                table = tables.snapshot("hits")
                commit(table, name, number)
                assert _state(table) == _state(lake.snapshot("hits"))
            elif step == "another commits":
                commit(table, name, number)
            elif step == "a checkpoint is made":
                table.create_checkpoint()
            elif step == "the log is cut":
                table.create_checkpoint()
                table.cleanup_metadata()
            elif step == "the last one is lost":
                lose_last_commit(Path(folder) / "hits" / LOG)
            else:
                lose_last_commit(Path(folder) / "hits" / LOG)
                commit(lake.snapshot("hits"), name, number)
            if looks or number == len(steps):
                now, kept = lake.snapshot("hits"), tables.snapshot("hits")
                assert _state(kept) == _state(now)


def _state(table: DeltaTable) -> tuple[int, list[int | None]]:
    return table.version(), [table.transaction_version(name) for name in NAMES]


def test_a_commit_to_a_bucket_takes_few_requests_however_long_its_log(
    bucket_store: OwnBucket, redis_client: Redis, tmp_path: Path
) -> None:
    """Eight for each commit since the last checkpoint, when each look was afresh."""
    counted: list[str] = []

    def count(method: str, path: str, status: int) -> int:
        counted.append(f"{method} {path}")
        return status

    redis_client.flushall()
    with meddling(bucket_store.url, count) as url:
        lake = lake_in(bucket_store.bucket(url), tmp_path)
        writer = Writer(Stream(redis_client), lake)
        for number in range(6):
            send(redis_client, f"/{number}")
            counted.clear()
            writer.round()
    assert len(counted) <= 12, counted
