"""Which days of an import are committed together."""

from page_tracker.history.import_days import MAX_VIEWS, together
from page_tracker.history.register import ImportedDay

DAYS = [ImportedDay(day, MAX_VIEWS // 4, ()) for day in range(10)]


def test_days_share_a_commit_up_to_a_number_of_views() -> None:
    assert list(together(DAYS, 0)) == [(0, 4), (4, 8), (8, 10)]


def test_what_is_in_the_lake_shares_no_commit_with_what_is_not() -> None:
    for done in range(1, len(DAYS)):
        spans = list(together(DAYS, done))
        assert [first for first, _ in spans if first >= done][0] == done
        assert [day for span in spans for day in range(*span)] == list(range(10))
