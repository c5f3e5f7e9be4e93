"""Groups of sites: which order they and their sites have, and what their sums are."""

import pytest

from page_tracker.web.pages.rows import Cell
from page_tracker.web.pages.site_groups import SiteLine, grouped, grown, summed


def line(name: str, group: str, number: int, before: int, now: int | None) -> SiteLine:
    return SiteLine(
        name=name,
        group=group,
        is_demonstration=name == "demo",
        href="",
        now=now,
        cell=Cell(""),
        line="",
        number=number,
        before=before,
        grown=grown(number, before),
    )


LINES = [
    line("a", "shops", 5, 5, 1),
    line("b", "", 100, 1, 9),
    line("c", "Blogs", 4, 1, 0),
    line("d", "shops", 2, 1, 3),
    line("demo", "Blogs", 1_000, 1, 50),
]


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("name", "Blogs: c demo, shops: a d, : b"),
        ("figure", "shops: a d, Blogs: demo c, : b"),
        ("change", "Blogs: demo c, shops: d a, : b"),
        ("now", "shops: d a, Blogs: demo c, : b"),
    ],
)
def test_groups_are_ordered_by_their_sums_and_sites_within_them(
    order: str, names: str
) -> None:
    def told(is_turned: bool) -> list[str]:
        found = grouped(LINES, "visitors", order, is_turned)
        return [f"{g.name}: {' '.join(site.name for site in g.lines)}" for g in found]

    assert ", ".join(told(False)) == names
    *groups, rest = told(True)
    assert [each.partition(":")[0] for each in groups] == [
        each.partition(":")[0] for each in told(False)[-2::-1]
    ]
    assert rest == ": b"


def test_a_sum_is_of_what_adds_up_without_a_demonstration() -> None:
    shops, blogs = summed("shops", LINES[:1], "visits"), summed("", LINES[2:], "visits")
    assert (shops.number, shops.now, shops.cell) == (5, 1, Cell("5", "same", "", "5"))
    assert (blogs.number, blogs.now, blogs.cell.change) == (6, 3, "▲ 200%")
    rate = summed("shops", LINES, "bounce_rate")
    assert (rate.number, rate.now, rate.cell) == (None, 13, Cell(""))
    assert summed("", [line("e", "", 1, 1, None)], "visits").now is None
