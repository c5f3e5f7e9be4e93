"""What tests of questions share."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def clickhouse_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where a ClickHouse of the tests answers by HTTP."""
    # pylint: disable-next=import-outside-toplevel # its client takes a while to load
    from support.clickhouse import clickhouse

    with clickhouse(tmp_path_factory.mktemp("clickhouse")) as port:
        yield port
