"""Where the tests' lakes lie: in a folder, and in a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # most tests need no store of buckets
    from support.lake import NewLake
    from support.own_bucket import OwnBucket


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests that make a lake are run with one in a folder; where they are marked
    `in_a_bucket_too`, or with --long, also with one in a bucket."""
    if "new_lake" in metafunc.fixturenames and (
        metafunc.config.getoption("--long")
        or metafunc.definition.get_closest_marker("in_a_bucket_too")
    ):
        metafunc.parametrize("new_lake", ["folder", "bucket"], indirect=True)


@pytest.fixture(scope="session")
def bucket_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnBucket]:
    """A store of buckets for who does not stop it."""
    # pylint: disable-next=import-outside-toplevel # see above
    from support.own_bucket import own_bucket

    with own_bucket(tmp_path_factory.mktemp("store")) as started:
        yield started


@pytest.fixture
def new_lake(request: pytest.FixtureRequest) -> NewLake:
    # pylint: disable=import-outside-toplevel # see above
    from page_tracker.lake.table import Lake

    if getattr(request, "param", "folder") == "folder":
        return lambda folder, grace: Lake(str(folder), grace=grace)
    from support.own_bucket import lake_in

    store: OwnBucket = request.getfixturevalue("bucket_store")
    return lambda folder, grace: lake_in(store.bucket(), folder, grace)
