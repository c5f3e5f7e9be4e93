"""What docs/reference/metrics.md says: of each paragraph a test that bears its name.

Hits go the whole way: by the ingest script and the writer into a lake that is asked.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from redis import Redis

from page_tracker.hits.hit import Kind
from page_tracker.lake.table import Lake
from support.counted_hits import Ask, Counted, autumn, counting, hit
from support.documentation import page

PARAGRAPHS = re.findall(r"^## (.+)$", page("reference/metrics"), re.M)


@pytest.fixture
def counted(redis_client: Redis, tmp_path: Path) -> Counted:
    """Stores hits, and gives what asks about them."""
    redis_client.flushall()
    return counting(redis_client, Lake(str(tmp_path / "lake")))


def test_each_paragraph_has_a_test_and_each_test_a_paragraph() -> None:
    tests = {name for name in globals() if name.startswith("test_")}
    wanted = {f"test_{re.sub('[^a-z0-9]', '_', name.lower())}" for name in PARAGRAPHS}

    assert wanted == tests - {
        "test_each_paragraph_has_a_test_and_each_test_a_paragraph"
    }


def test_a_hit(counted: Counted) -> None:
    ask = counted(
        hit("12:00"),
        hit("12:01", "buy"),
        hit("12:02", "engagement", engaged=5_000),
        # An event, though its name is that of something else.
        replace(hit("12:03", "engagement"), kind=Kind.EVENT),
    )

    assert ask("pageviews", "events", "visits") == {(): [1, 3, 1]}
    names = {("pageview",): [1], ("buy",): [1], ("engagement",): [1]}
    assert ask("events", by="event:name") == names
    assert ask("time_on_page", by="event:page") == {("/",): [5]}


def test_a_visit(counted: Counted) -> None:
    ask = counted(
        hit("10:00", source="Google"),
        hit("10:29:59", source="Bing"),
        hit("10:59:59", path="/later", source="Bing"),
        # Read for an hour: an engagement every 20 minutes.
        hit("15:00", visitor="bob"),
        hit("15:20", "engagement", visitor="bob", engaged=1),
        hit("15:40", "engagement", visitor="bob", engaged=1),
        hit("16:00", path="/next", visitor="bob"),
    )

    by_source = ask("visits", "pageviews", by="visit:source")
    assert by_source == {
        ("Google",): [1, 2],
        ("Bing",): [1, 1],
        ("Direct / None",): [1, 2],
    }


def test_a_visitor(counted: Counted) -> None:
    ask = counted(
        hit("2 12:00"),
        hit("2 18:00"),
        hit("3 12:00"),
        hit("4 12:00"),
        hit("2 12:00", visitor="ada's telephone"),
    )

    assert ask("visitors", "visits") == {(): [4, 5]}
    assert ask("visitors", by="time:day")["2026-03-02",] == [2]


def test_midnight(counted: Counted) -> None:
    ask = counted(
        hit("2 23:50"), hit("2 23:59:59", path="/a"), hit("3 00:00", path="/b")
    )

    measures = ("visitors", "visits", "pageviews")
    by_day = ask(*measures, by="time:day visit:entry_page")
    assert by_day == {
        ("2026-03-02", "/"): [1, 1, 2],
        ("2026-03-03", "/b"): [1, 1, 1],
    }
    assert ask(*measures) == {(): [2, 2, 3]}


def test_by_time(counted: Counted) -> None:
    ask = counted(hit("12:50"), hit("13:10", path="/a"), hit("4 12:00", visitor="bob"))

    by_hour = ask(
        *("pageviews", "visits", "visitors", "visit_duration"), by="time:hour"
    )
    assert by_hour == {
        ("2026-03-02 12:00:00",): [1, 1, 1, 1200],
        ("2026-03-02 13:00:00",): [1, 0, 1, 0],
        ("2026-03-04 12:00:00",): [1, 1, 1, 0],
    }
    assert ask("visitors") == {(): [2]}
    assert ask("visitors", by="time:week") == {("2026-03-02",): [2]}
    cut = {"date_range": ["2026-03-03", "2026-03-10"]}
    assert ask("visitors", by="time:week", **cut) == {("2026-03-03",): [1]}


def test_the_clock_s_second_time(counted: Counted) -> None:
    ask = counted(
        hit("12:00"),  # so that a day before has some
        autumn("00:30", "ada"),
        autumn("01:30", "ada", path="/again"),
        autumn("01:40", "bob"),
    )

    night = {"date_range": ["2026-10-25", "2026-10-25"]}
    assert ask("pageviews", "visits", by="time:hour", **night) == {
        ("2026-10-25 02:00:00",): [1, 1],
        ("2026-10-25 02:00:00+01:00",): [2, 2],
    }


def test_visitors(counted: Counted) -> None:
    ask = counted(
        hit("2 12:00"),
        hit("2 12:01", path="/docs/a"),
        hit("2 12:02", "engagement", path="/docs/a", engaged=1),
        hit("3 12:00", path="/docs/a"),
        hit("2 12:00", "buy", visitor="bob"),
    )

    assert ask("visitors") == {(): [3]}
    assert ask("visitors", by="event:page") == {("/",): [2], ("/docs/a",): [2]}


def test_visits(counted: Counted) -> None:
    ask = counted(
        hit("12:00"), hit("12:01", path="/a"), hit("12:02", path="/a"), hit("14:00")
    )

    assert ask("visits") == {(): [2]}
    assert ask("visits", by="event:page") == {("/",): [2], ("/a",): [1]}
    with_a = {"filters": [["is", "event:page", ["/a"]]]}
    assert ask("visits", **with_a) == {(): [1]}


def test_pageviews(counted: Counted) -> None:
    ask = counted(
        hit("12:00"),
        hit("12:01"),
        hit("12:02", "buy"),
        hit("12:03", "engagement", engaged=1),
    )

    assert ask("pageviews") == {(): [2]}


def test_events(counted: Counted) -> None:
    ask = counted(
        hit("12:00"),
        hit("12:02", "buy"),
        hit("12:02", "hover"),
        hit("12:03", "engagement", engaged=1),
    )

    assert ask("events") == {(): [3]}


def test_views_per_visit(counted: Counted) -> None:
    ask = counted(
        *(hit("12:00"), hit("12:01", path="/a"), hit("12:02", path="/a")),
        hit("14:00", path="/a"),
        hit("16:00", path="/a", visitor="bob"),
    )

    assert ask("views_per_visit") == {(): [1.67]}
    by_page = ask("views_per_visit", by="event:page")
    assert by_page == {("/",): [3], ("/a",): [1]}
    nobody = {"filters": [["is", "event:page", ["/nowhere"]]]}
    assert ask("views_per_visit", **nobody) == {(): [0]}


def test_bounce_rate(counted: Counted) -> None:
    ask = counted(
        hit("12:00"),
        *(hit("12:00", visitor="bob"), hit("12:01", "hover", visitor="bob")),
        *(hit("12:00", visitor="cleo"), hit("12:01", "buy", visitor="cleo")),
        hit("12:00", path="/a", visitor="dora"),
        hit("12:01", visitor="dora"),
    )

    assert ask("bounce_rate") == {(): [50]}
    by_page = ask("bounce_rate", by="event:page")
    assert by_page == {("/",): [67], ("/a",): [0]}
    for path, rate in (("/", 67), ("/a", 0)):
        here = {"filters": [["is", "event:page", [path]]]}
        assert ask("bounce_rate", **here) == {(): [rate]}
        assert ask("bounce_rate", by="event:page", **here) == {(path,): [rate]}
    elsewhere = {"filters": [["is_not", "event:page", ["/a"]]]}
    assert ask("bounce_rate", "visits", **elsewhere) == {(): [67, 4]}


def test_visit_duration(counted: Counted) -> None:
    ask = counted(
        hit("12:00"),
        hit("12:05", path="/a"),
        hit("12:20", "engagement", path="/a", engaged=900_000),
        hit("12:00", path="/a", visitor="bob"),
    )

    assert ask("visit_duration") == {(): [150]}
    by_page = ask("visit_duration", by="event:page")
    assert by_page == {("/",): [300], ("/a",): [0]}


def test_source_and_host(counted: Counted) -> None:
    ask = counted(
        *(hit("12:00", source="Google"), hit("12:01", hostname="shop.a.org")),
        hit("12:00", visitor="bob", source="Bing", hostname="shop.a.org"),
    )

    shop = {"filters": [["is", "event:hostname", ["shop.a.org"]]]}
    assert ask("visitors", by="visit:source", **shop) == {("Bing",): [1]}
    assert ask("visitors", by="visit:device", **shop) == {("(not set)",): [2]}
    assert ask("visitors", by="visit:exit_page", **shop) == {("/",): [2]}


def test_a_filter(counted: Counted) -> None:
    ask = counted(
        hit("12:00", props={"plan": "pro"}),
        hit("12:00", visitor="bob", props={"plan": "free"}),
        hit("12:00", visitor="cleo"),
    )

    def fitting(*leaf: Any) -> Any:
        return ask("visitors", filters=[list(leaf)])[()][0]

    plan = "event:props:plan"
    assert fitting("is_not", plan, ["pro"]) == 2
    assert fitting("contains_not", plan, ["pro"]) == 1
    assert fitting("matches_not", plan, ["^p"]) == 1
    assert fitting("is", plan, ["(none)"]) == 1
    assert fitting("contains", plan, ["none"]) == 0
    assert fitting("is", "visit:source", ["Direct / None"]) == 3
    assert fitting("contains", "visit:source", ["None"]) == 0
    assert fitting("is", "visit:country", ["(not set)"]) == 3


def test_percentage(counted: Counted) -> None:
    ask = counted(
        hit("12:00"), hit("12:01", path="/a"), hit("12:00", path="/a", visitor="bob")
    )

    assert ask("percentage", by="event:page") == {("/a",): [100], ("/",): [50]}


def three_buyers_of_four(counted: Counted) -> Ask:
    """Of four visitors two came by Google, and one of these did not buy."""
    return counted(
        *(hit("12:00", source="Google"), hit("12:01", "buy", props={"plan": "pro"})),
        hit("12:00", visitor="bob", source="Google"),
        *(hit("12:00", visitor="cleo"), hit("12:01", "buy", visitor="cleo")),
        *(hit("12:00", visitor="dora"), hit("12:01", "buy", visitor="dora")),
    )


def test_conversion_rate(counted: Counted) -> None:
    ask = three_buyers_of_four(counted)

    assert ask("visitors", "conversion_rate", by="event:goal") == {("Sale",): [3, 75]}
    bought = {"filters": [["is", "event:goal", ["Sale"]]]}
    by_source = ask("conversion_rate", by="visit:source", **bought)
    assert by_source == {("Direct / None",): [50], ("Google",): [25]}

    plan = {"filters": [*bought["filters"], ["is", "event:props:plan", ["pro"]]]}
    assert ask("visitors", "conversion_rate", **plan) == {(): [1, 25]}
    assert ask("conversion_rate", by="event:props:plan", **plan) == {("pro",): [25]}
    a_third = {"filters": [*bought["filters"], ["is_not", "visit:source", ["Bing"]]]}
    assert ask("conversion_rate", **a_third) == {(): [75]}


def test_group_conversion_rate(counted: Counted) -> None:
    ask = three_buyers_of_four(counted)

    bought = {"filters": [["is", "event:goal", ["Sale"]]]}
    by_source = ask("group_conversion_rate", by="visit:source", **bought)
    assert by_source == {("Direct / None",): [100], ("Google",): [50]}

    # Filters that are joined, as those of a segment, are as if each stood alone.
    both = [["is", "event:goal", ["Sale"]], ["is", "visit:source", ["Google"]]]
    for joined in (both, [["and", both]], [["or", [["and", both]]]]):
        found = ask("conversion_rate", "group_conversion_rate", filters=joined)
        assert found == {(): [50, 50]}


def test_scroll_depth(counted: Counted) -> None:
    ask = counted(
        hit("12:00"),
        hit("12:01", "engagement", scroll=20),
        hit("12:02", "engagement", scroll=80),
        hit("12:03", path="/a"),
        *(
            hit("12:00", visitor="bob", props={"plan": "pro"}),
            hit("12:01", "engagement", "/", "bob", scroll=40),
        ),
        hit("12:00", visitor="cleo"),
    )

    by_page = ask("scroll_depth", by="event:page")
    assert by_page == {("/",): [60], ("/a",): [None]}
    home = {"filters": [["is", "event:page", ["/"]]]}
    by_plan = ask("scroll_depth", by="event:props:plan", **home)
    assert by_plan == {("pro",): [40], ("(none)",): [80]}


def test_time_on_page(counted: Counted) -> None:
    ask = counted(
        hit("12:00"),
        hit("12:01", "engagement", engaged=20_000),
        hit("12:02", "engagement", engaged=10_000),
        hit("12:03", path="/a"),
        hit("12:00", visitor="bob"),
        hit("12:01", "engagement", visitor="bob", engaged=60_000),
        hit("12:00", visitor="cleo"),
    )

    by_page = ask("time_on_page", by="event:page")
    assert by_page == {("/",): [45], ("/a",): [None]}


def revenue_of_two_sales(counted: Counted) -> Ask:
    """Three sales, one without an amount, and a gift in another currency."""
    return counted(
        hit("12:00", "buy", revenue=10_000, currency="EUR"),
        hit("12:01", "buy", revenue=5_500, currency="EUR"),
        hit("12:02", "buy"),
        hit("12:03", "give", revenue=99_000, currency="USD"),
        hit("12:04", path="/docs/a"),
    )


def test_total_revenue(counted: Counted) -> None:
    ask = revenue_of_two_sales(counted)

    sold = {"filters": [["is", "event:goal", ["Sale"]]]}
    told = {"value": 15.5, "currency": "EUR", "short": "EUR 15.5", "long": "EUR 15.50"}
    assert ask("total_revenue", **sold) == {(): [told]}
    both = {"filters": [["is", "event:goal", ["Sale", "Gift"]]]}
    assert ask("total_revenue", **both) == {(): [None]}
    none = {"filters": [["is", "event:goal", ["Docs"]]]}
    assert ask("total_revenue", **none) == {(): [None]}

    by_goal = ask("total_revenue", by="event:goal")
    currencies = {goal: row[0] and row[0]["long"] for (goal,), row in by_goal.items()}
    assert currencies == {"Sale": "EUR 15.50", "Gift": "USD 99.00", "Docs": None}


def test_average_revenue(counted: Counted) -> None:
    ask = revenue_of_two_sales(counted)

    sold = {"filters": [["is", "event:goal", ["Sale"]]]}
    ((average, events),) = ask("average_revenue", "events", **sold).values()
    assert (average["value"], average["currency"], events) == (7.75, "EUR", 3)


def test_amounts(counted: Counted) -> None:
    ask = counted(
        *(hit(f"12:0{n}", "buy", revenue=3_333 + n, currency="EUR") for n in (0, 0, 2)),
    )

    sold = {"filters": [["is", "event:goal", ["Sale"]]]}
    ((average,),) = ask("average_revenue", **sold).values()
    assert average["value"] == 3.334
