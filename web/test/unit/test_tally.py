"""What a process counts stays, whichever one counts on in its place."""

import pytest

from page_tracker.tally import Tally, free_row


def test_what_processes_count_in_their_rows_is_added_up() -> None:
    tally = Tally()
    fruit = tally.counter("fruit", "Fruit.", kind=("apple", "pear"))
    fruit.add("pear")
    tally.use_row(3)
    fruit.add("pear")
    fruit.add("apple")

    assert dict(fruit.totals()) == {("apple",): 1, ("pear",): 2}


def test_a_row_is_counted_on_by_who_takes_it_next() -> None:
    assert free_row([]) == 1
    assert free_row([1, 3]) == 2
    assert free_row([2, 1]) == 3


def test_a_value_is_within_the_bound_that_it_equals() -> None:
    sizes = Tally().histogram("sizes", "Sizes.", (1, 10), kind=("apple",))
    for value in (0.5, 1, 10, 11):
        sizes.observe(value, "apple")

    assert list(sizes.totals()) == [(("apple",), [2, 1, 1], 22.5)]


def test_labels_that_were_not_declared_are_refused() -> None:
    fruit = Tally().counter("fruit", "Fruit.", kind=("apple",))
    with pytest.raises(KeyError):
        fruit.add("plum")
