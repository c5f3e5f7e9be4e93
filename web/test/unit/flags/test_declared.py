"""Flags are for a while."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from page_tracker.flags.declared import FLAGS


@pytest.mark.parametrize("name", FLAGS)
def test_no_flag_outlives_its_time(name: str) -> None:
    flag = FLAGS[name]

    assert flag.owner and flag.purpose
    assert datetime.now(UTC).date() <= flag.until, (
        f"the time of {name} is over: take it out with the code of the side that it"
        f" leaves off, or have {flag.owner} say until when it stays"
    )
