"""The page of all sites."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from page_tracker import app as app_module
from page_tracker.lake.table import Lake
from page_tracker.people.roles import Role
from page_tracker.web.pages.formatting import LABELS
from page_tracker.web.pages.site_groups import ADDING_UP
from page_tracker.web.pages.view import CHARTED
from support.asked import put
from support.people import Visitor, signed_in
from support.sites_with_hits import hits_of_today, shown, sites_with_hits, text_of


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


def test_all_sites_are_those_of_the_person(owner: Visitor) -> None:
    viewer = signed_in("Vera", Role.VIEWER, ["b.org"])

    assert re.findall("<bdi>(.*?)</bdi>", owner.get("/sites").text) == [
        *("a.org", "b.org", "intranet")
    ]
    assert re.findall("<bdi>(.*?)</bdi>", viewer.get("/sites").text) == ["b.org"]
    assert 'href="/sites/intranet"' in owner.get("/sites?search=TRA").text
    assert "No site has" in shown(owner, "/sites?search=xyz")


def test_each_figure_of_all_sites_is_that_of_the_site_s_own_page(
    owner: Visitor,
) -> None:
    own = shown(owner, "/sites/intranet?period=7d")
    for metric in CHARTED:
        page = owner.get(f"/sites?period=7d&metric={metric}").text
        row = page.partition("<bdi>intranet</bdi>")[2].partition("</tr>")[0]
        value = re.findall('<td class="number">(.*?)</td>', row)[1]
        assert f"{LABELS[metric]} {value} " in own
        sums = re.findall('<td class="number">(.*?)</td>', page.partition("<tfoot>")[2])
        assert sums[1] == (value if metric in ADDING_UP else "")


def test_lines_of_all_sites_have_a_scale_each_or_one_for_all(
    owner: Visitor, environment: Path
) -> None:
    more = [row | {"site": "other"} for row in hits_of_today() * 2]
    put(Lake(str(environment / "lake")), more, 2)
    app_module.sites().add("other", {})

    def lines(query: str) -> list[str]:
        page = owner.get(f"/sites?period=7d&metric=pageviews{query}").text
        return re.findall('<path class="line" d="(.*?)"', page)[2:]  # of intranet on

    usual, own, common = lines(""), lines("&scale=own"), lines("&scale=common")
    app_module.sites().remove("other")

    assert usual == own and own[0] == own[1] == common[1] != common[0]
    assert "write common or own" in shown(owner, "/sites?scale=one")


def test_sites_of_a_group_stand_under_its_name_and_sum_for_who_sees_them(
    owner: Visitor,
) -> None:
    viewer, groups = signed_in("Vic", Role.VIEWER, ["b.org"]), {"a.org": "A <i> & Co"}
    for site, group in {**groups, "intranet": "Inner"}.items():
        app_module.sites().change(site, {"group": group}, by="a test")
    page = owner.get("/sites?period=7d").text
    bodies = [text_of(each) for each in page.split("<tbody>")[1:]]
    heads = re.findall('<th scope="rowgroup">(.*?)</tr>', page)
    other = shown(viewer, "/sites")
    found = owner.get("/sites?search=INNE").text
    for site in ("a.org", "intranet"):
        app_module.sites().change(site, {"group": ""}, by="a test")

    assert [text_of(each)[:8] for each in heads] == ["A <i> & ", "Inner 0 ", "Without "]
    assert [body.split("Settings of ")[1].split()[0] for body in bodies] == [
        *("a.org", "intranet", "b.org")
    ]
    numbers = [re.findall('class="number">([0-9,]+)</td>', each)[1] for each in heads]
    total = re.findall('class="number">(.*?)</td>', page.partition("<tfoot>")[2])[1]
    assert sum(map(int, numbers)) == int(total) > 0
    assert re.findall("<bdi>(.*?)</bdi>", found) == ["Inner", "intranet"]
    assert "b.org" in other and "Inner" not in other and "Without" not in other


def test_what_only_a_site_s_page_has_is_named_and_left_behind(owner: Visitor) -> None:
    address = "/sites?period=7d&f=is~country~DE&by=hour&pages=exit_page"
    page = owner.get(address).text

    assert (
        "by=hour&f=is~country~DE&pages=exit_page: only a site's own page has this;"
        " open one" in text_of(page)
    )
    assert "country" not in page.partition("<table")[2]
