"""Figures about shares are those of the textbooks, and hold as often as they say."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import comb
from random import Random

import pytest

from page_tracker.query.proportions import (
    MOST_TERMS,
    Interval,
    Proportion,
    chance_of_split,
    chance_to_be_better,
    chi_square_above,
    confidence_of_each,
    detectable,
    difference,
    interval,
)


def rounded(found: Interval) -> Interval:
    low, high = found
    return round(low, 4), round(high, 4)


@pytest.mark.parametrize(
    ("conversions", "visitors", "expected"),
    [
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_intervals_are_those_of_newcombe_s_table_of_wilson_s_method(
    conversions: int, visitors: int, expected: Interval
) -> None:
    """Newcombe, "Two-sided confidence intervals for the single proportion", 1998."""
    assert rounded(interval(Proportion(conversions, visitors), 0.95)) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((6, 7), (2, 7), (0.0582, 0.8062)),
        ((5, 56), (0, 29), (-0.0381, 0.1926)),
        ((0, 10), (0, 20), (-0.1611, 0.2775)),
        ((10, 10), (0, 20), (0.6791, 1.0)),
    ],
)
def test_differences_are_those_of_newcombe_s_table_of_his_method_10(
    one: tuple[int, int], other: tuple[int, int], expected: Interval
) -> None:
    """Newcombe, "Interval estimation for the difference …", 1998, table II."""
    assert rounded(difference(Proportion(*one), Proportion(*other), 0.95)) == expected


def test_an_interval_of_95_percent_holds_the_difference_that_often() -> None:
    """Every outcome of two groups, each with how probable it is."""
    sizes, rates = (30, 40), (0.3, 0.4)
    each = [
        [comb(size, n) * rate**n * (1 - rate) ** (size - n) for n in range(size + 1)]
        for size, rate in zip(sizes, rates, strict=True)
    ]
    holds = 0.0
    for (one, p), (other, q) in product(enumerate(each[0]), enumerate(each[1])):
        found = Proportion(one, sizes[0]), Proportion(other, sizes[1])
        low, high = difference(*found, 0.95)
        holds += p * q if low <= rates[0] - rates[1] <= high else 0

    assert 0.945 < holds < 0.965


def simulated(random: Random, visitors: int, rate: float) -> Proportion:
    """So many visitors, each of whom converts with this chance."""
    draws = (random.random() for _ in range(visitors))  # nosec B311 # test data
    converted = sum(draw < rate for draw in draws)
    return Proportion(converted, visitors)


def test_at_most_5_of_100_experiments_see_a_difference_where_there_is_none() -> None:
    """Of four groups, none is any better than the control."""
    random, wrong = Random(13), {1: 0, 3: 0}  # nosec B311 # draws test data
    for _ in range(1_000):
        control, *rivals = (simulated(random, 150, 0.2) for _ in range(4))
        for comparisons in wrong:
            confidence = confidence_of_each(0.95, comparisons)
            found = [difference(rival, control, confidence) for rival in rivals]
            wrong[comparisons] += any(low > 0 or high < 0 for low, high in found)

    assert wrong[3] <= 50
    assert wrong[1] > 100, "without the correction for three comparisons"


def test_of_differences_that_are_called_detectable_four_of_five_are_found() -> None:
    random, found = Random(13), 0  # nosec B311 # draws test data
    expected = Proportion(60, 200), Proportion(60, 200)
    gap = detectable(*expected, 0.95)
    for _ in range(1_000):
        one = simulated(random, 200, 0.3 + gap / 2)
        other = simulated(random, 200, 0.3 - gap / 2)
        found += difference(one, other, 0.95)[0] > 0

    assert 760 <= found <= 840


def test_so_many_visitors_are_needed_as_in_fleiss_s_table() -> None:
    """356 a group for 60 against 70 percent, 95 percent confidence and 80 of power."""
    groups = Proportion(214, 356), Proportion(249, 356)

    assert detectable(*groups, 0.95) == pytest.approx(0.1, abs=0.0005)


def thompson(one: Proportion, other: Proportion) -> Fraction:
    """The chance that `one` is better, by Thompson's sum of whole numbers (1933)."""
    missed = one.visitors - one.conversions
    all_reached = one.conversions + other.conversions + 1
    all_missed = one.visitors + other.visitors + 1 - one.conversions
    all_missed -= other.conversions
    size = one.visitors + 1
    ways = sum(
        comb(all_reached, size - gone) * comb(all_missed, gone)
        for gone in range(missed + 1, size + 1)
    )
    return Fraction(ways, comb(all_reached + all_missed, size))


@pytest.mark.parametrize(
    ("one", "other"),
    [((1, 1), (0, 1)), ((3, 10), (5, 12)), ((40, 200), (30, 210)), ((0, 9), (0, 4))],
)
def test_the_chance_to_be_better_is_thompson_s(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    found = chance_to_be_better(Proportion(*one), Proportion(*other))

    assert found == pytest.approx(float(thompson(Proportion(*one), Proportion(*other))))


def test_one_conversion_of_one_visitor_beats_the_unknown_in_two_of_three() -> None:
    one = chance_to_be_better(Proportion(1, 1), Proportion(0, 0))

    assert one == pytest.approx(2 / 3)


def test_the_chance_of_many_is_the_same_by_the_normal_distribution() -> None:
    other = Proportion(MOST_TERMS - 300, 10 * MOST_TERMS)
    exact = chance_to_be_better(Proportion(MOST_TERMS, 10 * MOST_TERMS), other)
    quick = chance_to_be_better(Proportion(MOST_TERMS + 1, 10 * MOST_TERMS), other)

    assert quick == pytest.approx(exact, abs=0.001)


@pytest.mark.parametrize(
    ("value", "freedom", "above"),
    [
        *((3.841, 1, 0.05), (5.991, 2, 0.05), (7.815, 3, 0.05), (6.635, 1, 0.01)),
        *((16.919, 9, 0.05), (18.307, 10, 0.05), (29.588, 10, 0.001), (0, 4, 1)),
    ],
)
def test_chi_square_is_that_of_the_printed_tables(
    value: float, freedom: int, above: float
) -> None:
    assert chi_square_above(value, freedom) == pytest.approx(above, rel=0.001)


def test_mendel_s_peas_are_split_as_evenly_as_is_known() -> None:
    """Round and wrinkled, yellow and green, 9 to 3 to 3 to 1: chi-square is 0.47."""
    assert chance_of_split([315, 108, 101, 32], [9, 3, 3, 1]) == pytest.approx(
        0.925, abs=0.001
    )
