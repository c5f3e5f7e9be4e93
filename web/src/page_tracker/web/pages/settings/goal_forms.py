"""`/SITE/settings/goals`: what is asked about again and again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from page_tracker.errors import SiteError, UnknownGoalError
from page_tracker.people.roles import Deed
from page_tracker.sites.goal import (
    Goal,
    Segment,
    described,
    new_goal,
    props_of,
    with_goal,
    without_goal,
    without_segment,
)
from page_tracker.sites.site import Site
from page_tracker.web.pages.settings.section import (
    GOALS,
    SettingsServices,
    at_field,
    sent,
    shown,
)

# Each a field of `new_goal`: its label, and its purpose.
BOXES = (
    ("event", "Event", "Reached by sending this event."),
    (
        "page",
        "Page",
        "Or by viewing this page; * is anything but a slash, ** is anything.",
    ),
    ("name", "Name", "What it is called; else the event or page."),
    (
        "props",
        "Properties",
        "The event must have them. Like plan=pro, one in a line.",
    ),
    ("currency", "Currency", "The currency of its events’ revenue, like EUR."),
)


def register_goals(blueprint: Blueprint, services: SettingsServices) -> None:
    """The routes."""

    @blueprint.get("/<domain:name>/settings/goals")
    @blueprint.get("/sites/<name>/settings/goals")
    def show_goals(name: str) -> ResponseReturnValue:
        return services.opened(name, GOALS, _page)

    @blueprint.post("/sites/<name>/settings/goals")
    def add_goal(name: str) -> Response:
        """Add a goal, or replace the one with its name."""
        site = services.admitted(name, Deed.KEEP_GOALS)
        typed = {box: sent(box) for box, *_ in BOXES}
        try:
            goal = _goal(typed)
            after = services.sites().put_goals(site.id, partial(_with, goal))
        except SiteError as error:
            return _page(site, typed=typed, error=error)
        before = {each.name: each for each in site.goals}
        done = [f"{site.id} has the goal {goal.name}: {described(goal)}."]
        if replaced := before.get(goal.name):
            done.append(f"It stands in place of: {described(replaced)}.")
        return _page(after, done)

    @blueprint.post("/sites/<name>/settings/goals/remove")
    def remove_goal(name: str) -> Response:
        site, goal = services.admitted(name, Deed.KEEP_GOALS), sent("name")
        after = services.sites().put_goals(
            site.id, lambda all_: without_goal(all_, goal)
        )
        was = next(each for each in site.goals if each.name == goal)
        done = f"{site.id} no longer has the goal {goal}: {described(was)}."
        return _page(after, [done, "Its events stay."])

    @blueprint.post("/sites/<name>/settings/segments/remove")
    def remove_segment(name: str) -> Response:
        site, number = services.admitted(name, Deed.KEEP_GOALS), _number(sent("number"))
        after = services.sites().put_segments(
            site.id, lambda known: without_segment(known, number)
        )
        was = next(each for each in site.segments if each.id == number)
        done = f"{site.id} no longer has the segment {number}, {was.name}"
        return _page(after, [f"{done}: {_filters(was)}."])


def _goal(typed: Mapping[str, str]) -> Goal:
    """The goal that was typed. Raises SiteError."""
    said = {name: text for name, text in typed.items() if text and name != "props"}
    lines = [line for line in typed["props"].splitlines() if line.strip()]
    return new_goal({**said, "props": props_of(lines)})


def _with(goal: Goal, goals: tuple[Goal, ...]) -> tuple[Goal, ...]:
    return with_goal(goals, goal)


def _filters(segment: Segment) -> str:
    return json.dumps(segment.filters, ensure_ascii=False)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise UnknownGoalError(f"there is no segment {text[:20]!r}", "reload the page")
    return int(text)


def _page(
    site: Site,
    done: Sequence[str] = (),
    *,
    typed: Mapping[str, str] | None = None,
    error: SiteError | None = None,
) -> Response:
    return shown(
        site,
        GOALS,
        "goals.html",
        400 if error else 200,
        boxes=BOXES,
        typed=typed or dict.fromkeys((box for box, *_ in BOXES), ""),
        error=error,
        at_field=at_field(error) if error else "",
        done=done,
        described=described,
        filters=_filters,
    )
