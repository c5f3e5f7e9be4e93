"""What `serve` refuses before it starts anything."""

from pathlib import Path

import pytest

from page_tracker.errors import AddressError
from page_tracker.processes.serve import serve
from page_tracker.settings import Settings

ELSEWHERE = "192.0.2.1"  # no machine's: RFC 5737 keeps it for documentation


def test_an_address_of_no_interface_is_refused_with_what_to_do(tmp_path: Path) -> None:
    settings = Settings.from_environment(data=str(tmp_path / "data"), host=ELSEWHERE)

    with pytest.raises(AddressError, match=f"cannot listen at {ELSEWHERE}") as refused:
        serve(settings, print, print)

    assert "has no such address" in refused.value.remedy
    assert "stop what listens" not in refused.value.remedy
