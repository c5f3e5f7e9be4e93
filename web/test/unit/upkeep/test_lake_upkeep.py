"""What upkeep decides, from files and a clock alone."""

from page_tracker.days import date_of
from page_tracker.lake.data_files import DataFile
from page_tracker.upkeep.lake_upkeep import ENOUGH, Merge, merges, over

NOW = 1_795_000_000.0
DAY = int(NOW // 86_400)
SMALL, MIDDLE = 11_000, 1_000_000


def files(
    number: int, size: int, month: str = "2026-11", age: float = 10
) -> list[DataFile]:
    return [
        DataFile("", month, size, NOW - age, 1, date_of(DAY), date_of(DAY))
    ] * number


def test_few_small_files_are_left_alone() -> None:
    assert not merges(files(ENOUGH - 1, SMALL), NOW)


def test_enough_small_files_are_merged_without_touching_larger_ones() -> None:
    found = merges(files(ENOUGH, SMALL) + files(3, MIDDLE), NOW)

    assert found == [Merge("2026-11", 256 << 10)]


def test_enough_larger_files_take_the_small_ones_along() -> None:
    found = merges(files(ENOUGH, SMALL) + files(ENOUGH, MIDDLE), NOW)

    assert found == [Merge("2026-11", 4 << 20)]


def test_a_month_that_nothing_was_added_to_becomes_one_file() -> None:
    assert merges(files(2, MIDDLE, age=7200), NOW) == [Merge("2026-11", 256 << 20)]
    assert not merges(files(1, MIDDLE, age=7200), NOW)


def test_months_are_judged_one_by_one() -> None:
    found = merges(files(ENOUGH, SMALL) + files(1, SMALL, "2026-10", age=7200), NOW)

    assert [merge.month for merge in found] == ["2026-11"]


def test_a_day_is_over_when_it_is_so_in_the_westmost_zone() -> None:
    noon = (DAY + 1) * 86_400 + 12 * 3_600
    file = DataFile("", "2026-11", SMALL, NOW, 1, date_of(DAY - 1), date_of(DAY))

    assert over([file], noon - 1) == [DAY - 1]
    assert over([file], noon) == [DAY - 1, DAY]
