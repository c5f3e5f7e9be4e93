"""What can be said of shares of visitors, and of their differences. Pure.

Rates and differences are shares of 1. The methods are those of:

    interval            Wilson, "Probable inference, the law of succession, and
                        statistical inference", JASA 22 (1927)
    difference          Newcombe, "Interval estimation for the difference between
                        independent proportions", Statistics in Medicine 17 (1998),
                        method 10: Wilson's intervals, joined
    chance_to_be_better Thompson, "On the likelihood that one unknown probability
                        exceeds another", Biometrika 25 (1933), with even priors
    chance_of_split     Pearson's test of goodness of fit (1900); its distribution by
                        Abramowitz and Stegun, 26.4.4 and 26.4.5
    detectable          Fleiss, Levin and Paik, "Statistical Methods for Rates and
                        Proportions" (2003), chapter 4
"""

from __future__ import annotations

from collections.abc import Sequence
from math import erfc, exp, fsum, gamma, hypot, lgamma, log, sqrt
from statistics import NormalDist

import msgspec

NORMAL = NormalDist()
# The share of experiments with a real difference in which it is to be found.
POWER = 0.8
# With more conversions than this, the normal distribution is as good to four places.
MOST_TERMS = 100_000

Interval = tuple[float, float]


class Proportion(msgspec.Struct, frozen=True):
    """So many of these did it: `conversions` of `visitors`, of whom there is one."""

    conversions: int
    visitors: int

    @property
    def rate(self) -> float:
        return self.conversions / self.visitors


def z_of(confidence: float) -> float:
    """How many standard deviations this share of the normal distribution is within.

    >>> round(z_of(0.95), 2)
    1.96
    """
    return NORMAL.inv_cdf((1 + confidence) / 2)


def confidence_of_each(confidence: float, comparisons: int) -> float:
    """The confidence of each comparison, for that of all of them (Bonferroni)."""
    return 1 - (1 - confidence) / max(1, comparisons)


def interval(found: Proportion, confidence: float) -> Interval:
    """Where the rate lies, with this confidence."""
    number, rate, z = found.visitors, found.rate, z_of(confidence)
    middle = rate + z * z / (2 * number)
    reach = z * sqrt(rate * (1 - rate) / number + (z / (2 * number)) ** 2)
    whole = 1 + z * z / number
    return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)


def difference(one: Proportion, other: Proportion, confidence: float) -> Interval:
    """Where the rate of `one` less that of `other` lies, with this confidence."""
    (low, high), (low_other, high_other) = (
        interval(each, confidence) for each in (one, other)
    )
    between = one.rate - other.rate
    return (
        between - hypot(one.rate - low, high_other - other.rate),
        between + hypot(high - one.rate, other.rate - low_other),
    )


def chance_to_be_better(one: Proportion, other: Proportion) -> float:
    """How probable it is that the rate of `one` is above that of `other`, 0 to 1.

    With all rates equally probable beforehand.
    """
    if one.conversions > MOST_TERMS:
        return _chance_of_many(one, other)
    missed, missed_other = _missed(one), _missed(other)
    reached_other, both = 1 + other.conversions, missed + missed_other
    term = _log_beta(reached_other, both) - _log_beta(reached_other, missed_other)
    terms = [exp(term)]
    for index in range(one.conversions):
        term += log((reached_other + index) / (reached_other + index + both))
        term += log((missed + index) / (1 + index))
        terms.append(exp(term))
    return min(1.0, fsum(terms))


def _missed(found: Proportion) -> int:
    return 1 + found.visitors - found.conversions


def _log_beta(a: int, b: int) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _chance_of_many(one: Proportion, other: Proportion) -> float:
    spread = sqrt(_variance(one) + _variance(other))
    return NORMAL.cdf((_mean(one) - _mean(other)) / spread)


def _mean(found: Proportion) -> float:
    return (1 + found.conversions) / (2 + found.visitors)


def _variance(found: Proportion) -> float:
    return _mean(found) * (1 - _mean(found)) / (3 + found.visitors)


def chance_of_split(numbers: Sequence[int], shares: Sequence[float]) -> float:
    """How often chance alone splits visitors at least as unevenly, 0 to 1.

    `shares` says how they were meant to be split, in any unit.
    """
    whole = sum(numbers) / sum(shares)
    squares = fsum(
        (number - share * whole) ** 2 / (share * whole)
        for number, share in zip(numbers, shares, strict=True)
    )
    return chi_square_above(squares, len(numbers) - 1)


def chi_square_above(value: float, freedom: int) -> float:
    """The share of chi-square's distribution above a value.

    >>> round(chi_square_above(3.841, 1), 3)
    0.05
    """
    half, is_odd = value / 2, freedom % 2
    first = erfc(sqrt(half)) if is_odd else 0.0
    powers = (step + is_odd / 2 for step in range(freedom // 2))
    return first + exp(-half) * fsum(half**power / gamma(power + 1) for power in powers)


def detectable(one: Proportion, other: Proportion, confidence: float) -> float:
    """The difference of rates that four of five experiments of this size show."""
    found = one.conversions + other.conversions
    rate = found / (one.visitors + other.visitors)
    each = 1 / one.visitors + 1 / other.visitors
    return (z_of(confidence) + NORMAL.inv_cdf(POWER)) * sqrt(rate * (1 - rate) * each)
