"""The map of countries."""

from __future__ import annotations

from datetime import UTC, date, datetime

from page_tracker.query import countries
from page_tracker.query.plan import Plan
from page_tracker.query.query import Query, Range
from page_tracker.query.report import Report, Row
from page_tracker.query.sql import Statement
from page_tracker.sites.site import Site
from page_tracker.web.pages.country_map import drawn, world
from page_tracker.web.pages.page_answers import Asked
from page_tracker.web.pages.page_questions import Scope
from page_tracker.web.pages.view import View

TODAY = Range(date(2026, 11, 27), date(2026, 11, 27), "UTC")
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
# What CLDR has a code for, and addresses are given with the country it belongs to.
BELONGING = {"AC", "CP", "CQ", "DG", "EA", "IC", "TA"}


def report(**visitors: int) -> Report:
    """A report of visitors by country, which are all visitors."""
    query = Query(
        site="a.org",
        metrics=("visitors", "percentage"),
        range=TODAY,
        dimensions=("visit:country",),
    )
    whole = sum(visitors.values())
    rows = tuple(
        Row((code,), (number, 100 * number / whole))
        for code, number in visitors.items()
    )
    return Report(query, rows, len(rows), Plan((), ()), {}, Statement("", {}))


ASKED = Asked(
    Site(id="a.org"), View(period="day"), NOON, Scope("a.org", TODAY), "hour", ()
)


def test_a_country_is_told_shaded_by_its_share_and_is_a_filter() -> None:
    germany, malta = world(ASKED, report(DE=1_990, MT=10)).countries

    assert germany.text == "Germany: 1,990 visitors, 99.5%"
    assert germany.href == "?period=day&f=is~country~DE"
    assert (germany.shade, malta.shade) == (5, 1)


def test_what_the_map_does_not_show_is_named() -> None:
    shown = world(ASKED, report(AC=1, FR=2))

    assert [each.code for each in shown.countries] == ["FR"]
    assert shown.elsewhere == ["Ascension Island"]


def test_every_country_has_its_shape() -> None:
    assert drawn() == set(countries.names()) - BELONGING
