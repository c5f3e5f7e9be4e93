"""A site's page, beside what the same questions are answered with elsewhere."""

from __future__ import annotations

import csv
import html
import io
import json
import os
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import duckdb
import pytest
from click.testing import CliRunner
from redis import RedisError

from page_tracker import app as app_module
from page_tracker.cli import main
from page_tracker.people.roles import Role
from page_tracker.store.counters import Live
from page_tracker.web.pages.panels import PANELS
from page_tracker.web.pages.site_page import home_of
from page_tracker.web.pages.view import CHARTED
from support.people import Visitor, signed_in
from support.sites_with_hits import FIRST, PERIOD, shown, sites_with_hits, text_of


@pytest.fixture(scope="module", autouse=True)
def environment(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("data")
    with sites_with_hits(redis_url, folder):
        yield folder


@pytest.fixture(scope="module")
def owner(environment: Path) -> Visitor:
    assert environment.exists()
    return signed_in("Olga", Role.OWNER)


def file_of(visitor: Visitor, path: str) -> Any:
    """A file of the page, as JSON."""
    response = visitor.get(path)
    assert response.status_code == 200, response.text
    return json.loads(response.text)


# A part of the page that asks with each kind of filter and each metric.
QUERIES = [
    PERIOD,
    f"{PERIOD}&f=is~country~DE|FR&f=contains_not~page~3",
    f"{PERIOD}&f=is~goal~Sale&f=is_not~segment~1&compare=none",
    f"{PERIOD}&f=is~segment~1&f=is~source~Google&filters=any",
    f"{PERIOD}&f=is~utm_campaign~spring\\|summer\\~",
    f"{PERIOD}&events=props:plan&sources=utm_campaign&pages=entry_page&places=city",
    f"{PERIOD}&events=goal&pages=hostname&devices=os_version&compare=year",
    f"{PERIOD}&pages=exit_page&metric=time_on_page&by=hour&match=weekday",
    "period=2026-03&metric=bounce_rate&by=week",
]


def asked_yourself(visitor: Visitor, part: str, query: str) -> list[list[str]]:
    """The commands, the requests and the SQL that a page offers for a part of it."""
    page = visitor.get(f"/a.org/how/{part}?{query}").text
    found = re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", page, re.S)
    blocks = [html.unescape(each) for each in found]
    assert blocks and len(blocks) % 3 == 0
    return [blocks[at : at + 3] for at in range(0, len(blocks), 3)]


ASKED = [(part, query) for query in QUERIES for part in ("figures", "chart")] + [
    (part, query) for query in (*QUERIES[:2], *QUERIES[5:8]) for part in PANELS
]


@pytest.mark.parametrize(("part", "query"), ASKED)
def test_the_same_question_has_the_same_answer_elsewhere(
    owner: Visitor, environment: Path, part: str, query: str
) -> None:
    exported = file_of(owner, f"/a.org/export/{part}.json?{query}")
    answers = exported if part == "figures" else [exported]

    for answer, (command, curl, sql) in zip(
        answers, asked_yourself(owner, part, query), strict=True
    ):
        rows = answer["results"][:9] if part in PANELS else answer["results"]
        width = len(answer["query"]["dimensions"])
        assert over_http(owner, curl) == rows
        assert on_the_command_line(command) == rows
        told = run_sql(sql, environment / "lake", width)
        expected = [[*row["dimensions"], *plain(row["metrics"])] for row in rows]
        if part == "chart":  # what was only before has a row, too
            told, expected = ([r for r in each if r[1]] for each in (told, expected))
        assert told == expected


def over_http(visitor: Visitor, curl: str) -> Any:
    """The rows that a request gets."""
    words = shlex.split(curl)
    assert words[:2] == ["curl", "http://localhost/api/v2/query"]
    token = app_module.tokens().add("stats", ["a.org"])[1]
    sent = visitor.client.post(
        "/api/v2/query",
        data=words[-1],
        headers={"Authorization": f"Bearer {token}"},
    )
    assert sent.json
    return sent.json["results"]


def on_the_command_line(command: str) -> Any:
    """The rows that a command prints."""
    ran = CliRunner().invoke(main, [*shlex.split(command)[1:], "--json"])
    assert ran.exit_code == 0, ran.output
    return json.loads(ran.stdout)["results"]


def plain(metrics: list[Any]) -> list[Any]:
    return [None if value is None else float(value) for value in metrics]


def run_sql(sql: str, folder: Path, width: int) -> list[list[Any]]:
    here = os.getcwd()
    os.chdir(folder)
    try:
        with duckdb.connect() as connection:
            for statement in filter(None, sql.split(";\n")):
                connection.execute(statement)
            found = connection.fetchall()
    finally:
        os.chdir(here)
    return [
        [
            *(label(value) for value in row[:width]),
            *(None if each is None else float(each) for each in row[width:-1]),
        ]
        for row in found
    ]


def label(value: str) -> str:
    """A bucket's label: of an hour SQL has the seconds since 1970."""
    if re.fullmatch("[0-9]{10}", value):
        return f"{datetime.fromtimestamp(int(value), UTC):%Y-%m-%d %H:%M:%S}"
    return value


def test_the_page_shows_the_figures_of_the_days(owner: Visitor) -> None:
    told = file_of(owner, f"/a.org/export/figures.json?{PERIOD}")[0]
    visitors, visits, views = told["results"][0]["metrics"][:3]

    page = shown(owner, f"/a.org?{PERIOD}")

    assert f"Visitors {visitors} " in page
    assert f"Visits {visits} " in page
    assert f"Page views {views} " in page
    assert "1 Mar – 4 Mar" in page
    assert "25 Feb – 28 Feb" in page


@pytest.mark.parametrize("panel", PANELS)
def test_each_row_of_a_panel_is_a_filter_that_is_on_once_chosen(
    owner: Visitor, panel: str
) -> None:
    page = owner.get(f"/a.org?{PERIOD}").text
    section = page.partition(f'id="{panel}"')[2].partition("</section>")[0]
    rows = re.findall(r'<th scope="row">.*?<a href="([^"]+)"><bdi>(.*?)</bdi>', section)

    assert rows
    for href, name in rows:
        chosen = owner.get(f"/a.org{html.unescape(href)}")
        assert chosen.status_code == 200
        assert f'aria-current="true"><bdi>{name}</bdi>' in chosen.text
        assert 'role="alert"' not in chosen.text


@pytest.mark.parametrize("metric", CHARTED)
def test_each_figure_can_be_charted(owner: Visitor, metric: str) -> None:
    page = owner.get(f"/a.org?{PERIOD}&metric={metric}").text

    assert page.count('<li class="on">') == 1
    assert 'class="plot"' in page


def test_what_is_not_understood_is_named(owner: Visitor) -> None:
    page = shown(
        owner, f"/a.org?{PERIOD}&f=is~goal~Buy&f=matches~page~(&perod=7d&by=minute"
    )

    assert 'there is no goal "Buy"; did you mean' in page or 'no goal "Buy"' in page
    assert "f=matches~page~(: is no regular expression" in page
    assert "perod=7d: this means nothing" in page
    assert "by=minute: gives too many" in page


def test_a_file_is_refused_where_its_address_is_not_understood(owner: Visitor) -> None:
    response = owner.get(f"/a.org/export/pages.csv?{PERIOD}&f=is~country~XX")

    assert response.status_code == 400
    assert "is no country" in text_of(response.text)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/nowhere.example", 404, "no such site"),
        ("/a.org/how/nothing", 404, "nothing called nothing"),
        ("/a.org/export/pages.xls", 404, "nothing called pages.xls"),
        ("/a.org/list/pages.exe", 404, "nothing called pages.exe"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(
    owner: Visitor, path: str, status: int, said: str
) -> None:
    response = owner.get(path)

    assert response.status_code == status
    assert said in text_of(response.text)


def test_a_site_has_one_address(owner: Visitor) -> None:
    for path in ("/www.A.org", "/sites/a.org", "/a.org."):
        moved = owner.get(f"{path}?period=7d")
        assert (moved.status_code, moved.location) == (308, "/a.org?period=7d")
    assert owner.get("/sites/intranet").status_code == 200


def test_no_other_route_is_hidden_by_a_site_s() -> None:
    others = {
        rule.rule.split("/")[1]
        for rule in app_module.create_app().url_map.iter_rules()
        if not rule.rule.startswith("/<domain:")
    }

    assert {"counter", "hit", "count", "js", "api", "livez", "static"} <= others
    with_a_dot = [first for first in others if "." in first]
    assert [home_of(first) for first in with_a_dot] == [
        f"/sites/{first}" for first in with_a_dot
    ]
    assert home_of("a.org") == "/a.org"
    assert home_of("livez") == "/sites/livez"


ROUTES = [
    *("", "/list/pages", "/list/pages.csv", "/how/chart"),
    *("/export/figures.csv", "/export/chart.json", "/export/sources.csv"),
]


@pytest.mark.parametrize("route", ROUTES)
def test_a_page_is_for_who_has_a_role_for_its_site(route: str) -> None:
    name = f"V{ROUTES.index(route)}"
    viewer = signed_in(name, Role.VIEWER, ["b.org"])

    assert viewer.get(f"/b.org{route}").status_code == 200
    refused, missing = viewer.get(f"/a.org{route}"), viewer.get(f"/c.org{route}")
    assert refused.status_code == missing.status_code == 404
    assert refused.text == missing.text
    anybody = Visitor().get(f"/a.org{route}")
    assert anybody.status_code == 303
    assert anybody.location.startswith("/sign-in?")


def test_forms_become_addresses(owner: Visitor) -> None:
    moved = owner.get(f"/a.org?{PERIOD}&dimension=page&operator=contains&value=/a|b")
    assert unquote(moved.location) == f"/a.org?{PERIOD}&f=contains~page~/a|b"
    other = "dimension=page&operator=is&value=/&instead=contains~page~/a|b"
    again = owner.get(f"{moved.location}&{other}")
    assert again.location == f"/a.org?{PERIOD}&f=is~page~/"
    days = owner.get("/a.org?period=7d&by=day&from=2026-01-02&to=2026-01-03")
    assert days.location == "/a.org?period=2026-01-02..2026-01-03"
    named = owner.get("/a.org?dimension=pag&operator=is&value=x")
    assert named.status_code == 200
    assert "f=is~pag~x: there is no dimension" in text_of(named.text)


def test_a_list_is_searched_ordered_and_paged(owner: Visitor) -> None:
    def names(query: str) -> list[str]:
        page = owner.get(f"/a.org/list/pages?{PERIOD}{query}").text
        return re.findall(r'<th scope="row">.*?<bdi>(.*?)</bdi>', page)

    assert names("&search=E/1")[:1] == ["/page/1"] or "/page/1" in names("&search=E/1")
    assert all("/page/1" in name for name in names("&search=PAGE/1"))
    assert names("&sort=page") == sorted(names(""))
    assert names("&sort=-page") == sorted(names(""))[::-1]
    assert names("&page=2") == []
    assert "there is no such column" in shown(
        owner, f"/a.org/list/pages?{PERIOD}&sort=x"
    )
    france = owner.get(f"/a.org/list/places?{PERIOD}&search=franc").text
    assert re.findall(r'<th scope="row">.*?<bdi>(.*?)</bdi>', france) == ["France"]


def test_files_have_no_formulas(owner: Visitor) -> None:
    for path in ("export/sources.csv", "list/sources.csv"):
        text = owner.get(f"/a.org/{path}?{PERIOD}").text
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        assert "'=1+1" in cells
        assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@")]


def test_the_file_of_a_chart_has_every_point(owner: Visitor) -> None:
    text = owner.get(f"/a.org/export/chart.csv?{PERIOD}&compare=none").text
    head, *rows = csv.reader(io.StringIO(text))

    assert head == ["day", "visitors"]
    assert [row[0] for row in rows] == [str(FIRST + timedelta(n)) for n in range(4)]
    told = file_of(owner, f"/a.org/export/chart.json?{PERIOD}&compare=none")
    assert sum(int(row[1]) for row in rows) == sum(
        each["metrics"][0] for each in told["results"]
    )


def test_the_properties_of_events_are_told_and_lead_to_their_values(
    owner: Visitor,
) -> None:
    page = owner.get(f"/a.org/properties?{PERIOD}&f=is~country~DE")
    assert "plan buy 1 1" in text_of(page.text)
    hrefs = re.findall(r'href="(/a.org\?[^"]*#events)"', page.text)
    assert len(hrefs) == 2
    for href in hrefs:
        path = html.unescape(href)
        assert "events=props:plan" in path and "f=is~country~DE" in path
        assert ("f=is~name~buy" in path) is (href == hrefs[1])
        assert "By property" in shown(owner, path)
    assert "No event of these days" in shown(owner, "/a.org/properties?period=2025")


def test_what_was_left_out_is_told_by_reason_and_name(owner: Visitor) -> None:
    page = shown(owner, f"/a.org?{PERIOD}")

    assert "Left out: 10" in page
    assert "AI crawler 7" in page and "GPTBot 7" in page
    assert "<i>bot</i> 2" in page
    assert "spam.example 1" in page


def test_nothing_that_was_sent_is_markup_or_a_link_of_another_kind(
    owner: Visitor,
) -> None:
    for query in (PERIOD, f"{PERIOD}&sources=referrer"):
        page = owner.get(f"/a.org?{query}").text
        assert "<b>Bold" not in page and "<i>bot" not in page
        links = re.findall(r'<a [^>]*href="([^"]*)"', page)
        assert not [link for link in links if link.startswith("javascript")]
        outside = re.findall(r'<a [^>]*href="http[^>]*>', page)
        assert all('rel="noreferrer noopener"' in link for link in outside)


def test_without_the_store_all_but_who_is_here_is_told(
    owner: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise RedisError("it is away")

    monkeypatch.setattr(Live, "current", away)

    assert "the store does not answer" in shown(owner, f"/a.org?{PERIOD}")
    assert "the store does not answer" in shown(owner, "/sites")


def test_a_lake_that_is_away_is_said_with_what_to_do(
    owner: Visitor, environment: Path
) -> None:
    lake, elsewhere = environment / "lake", environment / "moved"
    lake.rename(elsewhere)
    app_module.asking.cache_clear()
    try:
        lake.write_text("no folder")
        response = owner.get(f"/a.org?{PERIOD}")
    finally:
        lake.unlink()
        elsewhere.rename(lake)
        app_module.asking.cache_clear()

    assert response.status_code == 503
    assert "page-tracker doctor" in text_of(response.text)


def test_an_empty_site_says_so(owner: Visitor) -> None:
    assert "Nothing was counted yet." in shown(owner, "/b.org")
    there = shown(owner, "/a.org?period=2020")
    assert "Nothing in these days. There are hits from" in there
    sold = shown(owner, f"/a.org?{PERIOD}&f=is~goal~Sale")
    assert "Visitors 1 " in sold and "fits these filters" not in sold
    none = shown(owner, f"/a.org?{PERIOD}&f=is~page~/none")
    assert "Nothing in these days fits these filters. There are hits from" in none
