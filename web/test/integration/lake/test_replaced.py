"""A log that is lost, and files whose times say nothing: a bucket's have whole seconds,
and a copy may have its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from page_tracker.days import date_of
from page_tracker.lake.log_recovery import rebuild
from page_tracker.lake.survey import Survey, lines, survey
from page_tracker.lake.table import PARQUET, Lake, append
from page_tracker.lake.vacuum import clean_up
from page_tracker.schema import HITS
from page_tracker.upkeep.expiry import expire
from page_tracker.upkeep.lake_upkeep import settle
from support.drawing import examples
from support.hits import SITE, row
from support.lake import files_in, paths

DAYS = (20_690, 20_691)  # of one month


def write(lake: Lake, *names: str, day: int = DAYS[0]) -> None:
    hits = lake.snapshot("hits")
    number = hits.version() + 1
    rows = [row(name, day, 10 * number + at) for at, name in enumerate(names)]
    append(hits, HITS, rows, "x", number)


def merge(lake: Lake) -> None:
    with lake.using("hits") as hits:
        hits.optimize.compact(writer_properties=PARQUET)


def delete(lake: Lake, condition: str) -> None:
    with lake.alone("hits") as hits:
        hits.delete(condition, writer_properties=PARQUET)


def close(lake: Lake, day: int) -> None:
    with lake.using("hits") as hits:
        settle(lake, hits, day)


def lose_log(lake: Lake) -> Path:
    """Returns where what was replaced is noted."""
    assert lake.folder
    shutil.rmtree(lake.folder / "hits" / "_delta_log")
    for path in files_in(lake):
        os.utime(path, (1, 1))
    return lake.folder / "replaced"


def recovered(lake: Lake) -> Survey:
    found = survey(lake, "hits")
    rebuild(lake, found, [])
    return found


PAGES = [f"/{letter}" for letter in "abcdef"]
days, pages = st.sampled_from(DAYS), st.sampled_from(PAGES)
Step = Callable[[Lake], None]
STEPS = st.one_of(
    st.builds(
        lambda names, day: lambda lake: write(lake, *names, day=day),
        st.lists(pages, min_size=1, max_size=4),
        days,
    ),
    st.just(merge),
    st.builds(lambda page: lambda lake: delete(lake, f"path = '{page}'"), pages),
    st.builds(lambda day: lambda lake: close(lake, day), days),
    st.just(lambda lake: expire(lake, "hits", SITE.id, date_of(DAYS[1]))),
    st.just(lambda lake: clean_up(lake, "hits")),
)


@settings(max_examples=examples(10, 300))
@given(st.lists(STEPS, min_size=4, max_size=12), st.sampled_from([0, 300]))
def test_whatever_was_done_the_files_alone_tell_which_rows_there_were(
    steps: list[Step], grace: int
) -> None:
    with TemporaryDirectory() as folder:
        lake = Lake(folder, grace=timedelta(seconds=grace))
        for step in steps:
            step(lake)
        before = paths(lake)
        lose_log(lake)

        found = recovered(lake)

        assert paths(lake) == before
        assert not [*found.doubtful, *found.superseded, *found.returned]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def test_where_nothing_is_noted_what_was_deleted_is_told_and_stays_out(
    lake: Lake,
) -> None:
    """Whichever file has the name that comes first."""
    write(lake, "/a", "/b", "/c")
    delete(lake, "path = '/b'")
    shutil.rmtree(lose_log(lake))

    found = recovered(lake)

    assert paths(lake) == ["/a", "/c"]
    assert "1 rows of" in "".join(lines(found))


def test_a_file_counts_again_where_what_took_its_place_is_not_all_here(
    lake: Lake,
) -> None:
    write(lake, "/a", "/b")
    write(lake, "/c")
    replaced = set(lake.files_in_folder("hits"))
    merge(lake)
    (merged,) = set(lake.files_in_folder("hits")) - replaced
    lose_log(lake)
    merged.unlink()

    found = recovered(lake)

    assert paths(lake) == ["/a", "/b", "/c"]
    assert "\n".join(lines(found)).count("counts though it had been replaced") == 2


def test_a_note_goes_with_the_files_that_were_replaced(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path), grace=timedelta(0))
    write(lake, "/a")
    write(lake, "/b")
    merge(lake)
    assert len(list(tmp_path.glob("replaced/hits/*.json"))) == 1
    clean_up(lake, "hits")
    assert not list(tmp_path.glob("replaced/hits/*"))
