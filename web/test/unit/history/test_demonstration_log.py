"""The demonstration's log: what is shipped, and the days that it is moved to."""

import gzip
import re
from datetime import UTC, datetime, timedelta

from page_tracker.history.demonstration_log import DAYS, SHARES, lines_until
from support.shipped_log import FILE, made

NOW = datetime(2026, 3, 1, 11, 30, tzinfo=UTC)
TIME = re.compile(r"\[(.*?)\]")


def time_of(line: str) -> datetime:
    found = TIME.search(line)
    assert found
    return datetime.strptime(found[1], "%d/%b/%Y:%H:%M:%S %z")


def test_what_is_shipped_is_the_real_log_without_addresses_and_searches() -> None:
    shipped = gzip.decompress(FILE.read_bytes()).decode()
    assert shipped == made()
    for line in shipped.splitlines():
        assert re.match(r"\d+\.\d+\.\d+\.0 ", line)
        assert "?" not in line.split('"')[3]


def test_its_days_are_the_last_weeks_and_end_now() -> None:
    times = sorted(map(time_of, lines_until(NOW)))
    days = {each.date() for each in times}
    weeks = [NOW.date() - timedelta(days=ago) for ago in range(DAYS * SHARES)]
    assert days == set(weeks)
    assert times[-1] <= NOW
    later = sorted(map(time_of, lines_until(NOW + timedelta(hours=12))))
    assert len(later) > len(times)  # more of today has come


def test_what_comes_from_one_network_stays_together() -> None:
    days: dict[str, set[int]] = {}
    for line in lines_until(NOW):
        network = line.partition(" ")[0]
        days.setdefault(network, set()).add(time_of(line).toordinal())
    assert all(max(each) - min(each) < DAYS for each in days.values())
