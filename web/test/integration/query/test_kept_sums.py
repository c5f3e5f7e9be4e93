"""What was worked out of closed days is kept in files, and goes with what it is of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from page_tracker.days import day_number
from page_tracker.lake.closed_days import OF_CLOSED_DAYS
from page_tracker.lake.kept_sums import KeptSums
from page_tracker.lake.table import PARQUET, Lake, touching
from page_tracker.lake.table_files import TableFiles
from page_tracker.lake.vacuum import clean_at_once, clean_up
from page_tracker.query.engine import WORTH_KEEPING, Engine
from page_tracker.query.lake_asking import LakeAsking
from page_tracker.query.snapshot import Reading
from page_tracker.sites.site import Site
from page_tracker.upkeep.day_tables import close
from support.asked import put, view
from support.drawing import examples

NOW = 1_772_500_000.0  # 2026-03-03
DAYS = [date(2026, 3, day) for day in (1, 2)]
Body = dict[str, Any]
BODIES: tuple[Body, ...] = (
    {"metrics": ["visitors", "bounce_rate"], "dimensions": ["event:page"]},
    {"metrics": ["pageviews"], "dimensions": ["time:day"]},
    {
        "metrics": ["visitors", "visits", "percentage", "scroll_depth"],
        "dimensions": ["visit:exit_page"],
        "filters": [["contains", "event:page", ["1", "secret"]]],
    },
    {
        "metrics": ["visitors", "visits", "visit_duration"],
        "dimensions": ["time:week"],
        "filters": [["is_not", "visit:country", ["FR"]]],
        "date_range": ["2026-02-28T12:00:00Z", "2026-03-03T18:00:00Z"],
    },
)


class Watched(KeptSums, frozen=True):
    """Notes what is kept."""

    kept: list[str] = msgspec.field(default_factory=list)

    def keep(
        self, sums: str, made_of: TableFiles, write: Callable[[Path], None]
    ) -> None:
        self.kept.append(sums)
        super().keep(sums, made_of, write)


def answers(
    lake: Lake, kept: KeptSums | None, bodies: Sequence[Body] = BODIES
) -> list[object]:
    """What a process that has just started answers."""
    engine = Engine(
        threads=1, kept=kept, worth_keeping=WORTH_KEEPING if kept is None else 0
    )
    asking = LakeAsking(Reading(lake), engine)
    about = {"site_id": "a.org", "date_range": ["2026-03-01", "2026-03-03"]}
    queries = [
        asking.understand(about | body, Site(id="a.org"), NOW) for body in bodies
    ]
    return [report.rows for report in asking.reports(queries)]


def eight_bytes(path: Path) -> None:
    path.write_bytes(bytes(8))


def closed(folder: Path | str) -> Lake:
    lake = Lake(f"{folder}/lake", grace=timedelta(0))
    put(lake, [view(1), view(2, "/secret")], 1)
    close(lake, [*map(day_number, DAYS)])
    return lake


def delete(lake: Lake, path: str) -> None:
    """Delete a page's hits of all days, as a deletion does."""
    with lake.alone("hits") as hits:
        hits.delete(
            f"path = '{path}'",
            writer_properties=PARQUET,
            commit_properties=touching(hits, [*map(day_number, DAYS)]),
        )
    close(lake, [*map(day_number, DAYS)])
    for name in ("hits", *OF_CLOSED_DAYS):
        clean_at_once(lake, name)


def names_kept(lake: Lake) -> set[str]:
    """All texts in files of sums."""
    found: set[str] = set()
    for path in (lake.folder or Path()).glob("sums/*/*.parquet"):
        rows = duckdb.read_parquet(str(path)).fetchall()
        found |= {each for row in rows for each in row if isinstance(each, str)}
    return found


@pytest.mark.parametrize("bodies", [BODIES, BODIES[2:]], ids=["all", "filtered"])
def test_another_process_works_nothing_out_again(
    tmp_path: Path, bodies: Sequence[Body]
) -> None:
    lake = closed(tmp_path)
    first, second = Watched(lake), Watched(lake)

    assert answers(lake, first, bodies) == answers(lake, second, bodies)

    assert first.kept
    assert not second.kept


def test_of_a_deleted_page_no_name_is_left(tmp_path: Path) -> None:
    lake = closed(tmp_path)
    answers(lake, KeptSums(lake))
    assert "/secret" in names_kept(lake)

    delete(lake, "/secret")

    assert not names_kept(lake)
    answers(lake, KeptSums(lake))
    assert "/secret" not in names_kept(lake)


def test_who_read_files_that_are_gone_keeps_nothing_of_them(tmp_path: Path) -> None:
    lake = closed(tmp_path)
    files = TableFiles("days", lake.snapshot("days").file_uris())
    delete(lake, "/secret")

    KeptSums(lake).keep("late", files, eight_bytes)

    assert not list((tmp_path / "lake").glob("sums/*/*"))


@pytest.mark.parametrize("content", [b"", b"no sums"])
def test_a_damaged_file_is_made_again(tmp_path: Path, content: bytes) -> None:
    lake = closed(tmp_path)
    sound = answers(lake, KeptSums(lake))
    for path in (tmp_path / "lake").glob("sums/*/*.parquet"):
        path.write_bytes(content)

    assert answers(lake, KeptSums(lake)) == sound

    watched = Watched(lake)
    answers(lake, watched)
    assert not watched.kept


def test_what_was_not_read_for_longest_goes_first(tmp_path: Path) -> None:
    lake = closed(tmp_path)
    files = TableFiles("days", lake.snapshot("days").file_uris())
    kept = KeptSums(lake, most=10)

    for name in ("one", "two"):
        kept.keep(name, files, eight_bytes)

    assert kept.path("one", files) is None
    assert kept.path("two", files) is not None


STEPS = st.sampled_from(["add", "add to a closed day", "close", "delete", "clean"])


@given(st.lists(STEPS, min_size=3, max_size=5))
@settings(max_examples=examples(2, long=6))
def test_answers_are_the_same_without(steps: list[str]) -> None:
    with TemporaryDirectory() as folder:
        lake = closed(folder)
        kept = KeptSums(lake)
        for number, step in enumerate(steps, start=2):
            if step.startswith("add"):
                day = DAYS[0] if "closed" in step else date(2026, 3, 3)
                put(lake, [view(number, f"/{number % 3}", day)], number)
            elif step == "close":
                close(lake, [*map(day_number, DAYS)])
            elif step == "delete":
                delete(lake, f"/{number % 3}")
            else:
                clean_up(lake, "days")
            assert answers(lake, kept) == answers(lake, None)
