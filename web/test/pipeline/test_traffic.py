"""When a new colour is worse than the old one, and in which order shares are set."""

import importlib.util
from types import ModuleType

import pytest

from support.containers import ROOT


def load_traffic() -> ModuleType:
    """The module that runs in the proxy's container."""
    path = ROOT / "deploy" / "proxy" / "traffic.py"
    spec = importlib.util.spec_from_file_location("traffic", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


traffic = load_traffic()


@pytest.mark.parametrize(
    ("new", "old", "why"),
    [
        ((100, 0, 9), (900, 0, 9), ""),
        ((100, 2, 9), (900, 0, 9), ""),  # two may be chance
        (
            (100, 3, 9),
            (900, 0, 9),
            "3 of its 100 requests failed, 0 of the",
        ),
        ((1000, 3, 9), (900, 0, 9), ""),  # less than one in a hundred
        ((100, 20, 9), (900, 150, 9), ""),  # the other one fails, too: full, say
        ((100, 40, 9), (900, 150, 9), "40 of its 100"),
        ((3, 3, 0), (0, 0, 0), "3 of its 3"),  # nobody else was asked
        ((100, 0, 50), (900, 0, 9), "it takes 50 ms to answer, the other 9 ms"),
        ((100, 0, 25), (900, 0, 9), ""),  # a few milliseconds may be chance
        ((10, 0, 500), (900, 0, 9), ""),  # ten requests may be chance
        ((0, 0, 0), (0, 0, 0), ""),
    ],
)
def test_a_colour_is_worse_by_more_failures_or_twice_the_time(
    new: tuple[int, int, int], old: tuple[int, int, int], why: str
) -> None:
    """Beyond what chance, or a fault that both have, would do."""
    said = traffic.worse(traffic.Figures(*new), traffic.Figures(*old))

    assert said == why or why and why in said


@pytest.mark.parametrize(
    ("percent", "order"),
    [
        (0, [("blue", 100), ("green", 0)]),
        (10, [("blue", 90), ("green", 10)]),
        (100, [("green", 100), ("blue", 0)]),
    ],
)
def test_the_colour_that_gets_more_is_set_first(
    percent: int, order: list[tuple[str, int]]
) -> None:
    """At no moment has neither a weight."""
    assert traffic.weights(traffic.Release(live="blue"), percent) == order
