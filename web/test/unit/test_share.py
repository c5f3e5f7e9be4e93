"""How writers share the shards: pure."""

from itertools import chain

import pytest

from page_tracker.writer.share import part_of


@pytest.mark.parametrize(("writers", "shards"), [(1, 1), (2, 24), (5, 24), (7, 3)])
def test_each_shard_is_one_writers_and_all_have_about_as_many(
    writers: int, shards: int
) -> None:
    names = [f"{number:x}" for number in range(writers)]
    parts = [part_of(names, name, shards) for name in names]

    assert sorted(chain(*parts)) == list(range(shards))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_writer_that_is_started_again_has_the_only_shard_at_once() -> None:
    assert part_of(["2", "1", "3"], "3", 1) == range(1)
