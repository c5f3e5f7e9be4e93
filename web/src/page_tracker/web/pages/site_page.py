"""A site's page: everything that an owner looks at in the morning."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import msgspec
from flask import Response, request
from msgspec.structs import replace
from redis import RedisError

from page_tracker.protocols import PROTOCOLS
from page_tracker.query.catalog import GOAL
from page_tracker.sites.demonstration import days_since
from page_tracker.sites.site import Site
from page_tracker.store.counters import Live
from page_tracker.web.pages import page_questions
from page_tracker.web.pages.chart import chart_of
from page_tracker.web.pages.country_map import SHADES, world
from page_tracker.web.pages.figures import figures_of, has_before, total
from page_tracker.web.pages.filter_chips import WORDS, buttons, chips, choices
from page_tracker.web.pages.formatting import LABELS, day
from page_tracker.web.pages.menus import menus_of
from page_tracker.web.pages.page_answers import Answers, Asked
from page_tracker.web.pages.panels import EVENTS, PANELS, Panel, Tab, tab_of
from page_tracker.web.pages.render import to
from page_tracker.web.pages.rows import Whole, filled
from page_tracker.web.pages.view import View, read, written
from page_tracker.web.script_names import BY_PATH

if TYPE_CHECKING:
    from page_tracker.query.report import Report

ROWS = 9
COUNTRIES = 300  # more than there are


class Now(msgspec.Struct, frozen=True):
    """How many visitors are here; None if the store does not answer."""

    visitors: int | None


def now_on(live: Callable[[], Live], site: Site, seconds: float) -> Now:
    """Who has been on a site in the last minutes."""
    try:
        return Now(live().current(site.id, int(seconds)).visitors)
    except RedisError:
        return Now(None)


def shown_tabs(asked: Asked) -> list[tuple[Panel, Tab]]:
    """The panels, each with the tab that it shows."""
    found = []
    for panel in PANELS.values():
        tab = tab_of(panel, asked.view.tab(panel.name)) or panel.tabs[0]
        found.append((panel, tab))
    return found


def site_page(
    answers: Answers,
    view: View,
    problems: tuple[str, ...],
    live: Callable[[], Live],
) -> dict[str, Any]:
    """What the template needs, except for what was left out. Raises as Answers.ask."""
    asked = answers.understand(view, problems)
    scope, tabs = asked.scope, shown_tabs(asked)
    bodies = [
        page_questions.figures(scope),
        page_questions.reading(scope),
        page_questions.over_time(scope, asked.view.metric, asked.interval),
        *(
            page_questions.rows(scope, tab, COUNTRIES if tab.has_map else ROWS)
            for _, tab in tabs
        ),
    ]
    figures, reading, over_time, *rows = answers.ask(bodies)
    whole = Whole(total(figures), has_before(figures))
    return {
        **frame(asked, live),
        "figures": figures_of(asked, (figures, reading)),
        "chart": chart_of(over_time, asked.now),
        "charted": LABELS[asked.view.metric],
        "panels": [
            filled(asked, panel, tab, first_rows(report), whole)
            for (panel, tab), report in zip(tabs, rows, strict=True)
        ],
        "world": next(
            (
                world(asked, report)
                for (_, tab), report in zip(tabs, rows, strict=True)
                if tab.has_map
            ),
            None,
        ),
        "shades": SHADES,
        "is_compared": whole.is_compared,
        "empty": _why_empty(asked, answers) if not whole.visitors else "",
        "has_hits": whole.visitors > 0 or answers.days() is not None,
        "goals": asked.site.goals,
        "events_panel": EVENTS.name,
        "goal_dimension": GOAL,
    }


def first_rows(report: Report) -> Report:
    """A report cut to the number of rows in a panel."""
    return replace(report, rows=report.rows[:ROWS])


def frame(asked: Asked, live: Callable[[], Live]) -> dict[str, Any]:
    """The frame of every view of a site."""
    site, view = asked.site, asked.view
    zone = ZoneInfo(asked.scope.range.timezone)
    return {
        "site": site,
        "home": home_of(site.id),
        "view": view,
        "asked": asked,
        "query": written(view.of_page()),
        "problems": asked.problems,
        "now": now_on(live, site, asked.now.timestamp()),
        "menus": menus_of(asked),
        "chips": chips(view, site.segments),
        "segments": buttons(view, site.segments),
        "choices": choices(),
        "operators": WORDS,
        "clock": f"{asked.now.astimezone(zone):%H:%M:%S}",
        "zone": str(zone),
        "days_since": days_since(site, asked.now.timestamp()),
    }


def home_of(site_id: str) -> str:
    """The path of a site's page: its domain, or below `/sites` if that could be
    another route's: those have no dot, except other trackers'."""
    path = f"/{site_id}"
    is_own = "." in site_id and path not in PROTOCOLS and path not in BY_PATH
    return f"/{site_id}" if is_own else f"/sites/{site_id}"


def back_to(site: Site, part: str) -> Response:
    """After a form: to a part of the site's page, in the view that the form resends."""
    view, _ = read(parse_qsl(request.form.get("query", "").removeprefix("?")))
    return to(f"{home_of(site.id)}{written(view)}#{part}")


def _why_empty(asked: Asked, answers: Answers) -> str:
    """Why there is nothing to see, as far as the days with hits show."""
    days = answers.days()
    if days is None:
        return "Nothing was counted yet."
    first, last = day(days.first, asked.today), day(days.last, asked.today)
    there = (
        f"There are hits from {first} to {last}"
        if first != last
        else (f"There are hits of {first}")
    )
    if days.last < asked.scope.range.first or asked.scope.range.last < days.first:
        return f"Nothing in these days. {there}."
    if asked.view.filters:
        return f"Nothing in these days fits these filters. {there} without them."
    return f"Nothing in these days. {there}."
