"""The blueprint of all pages.

/sites                     all sites
/example.org               a site; one without a dot in its name is at /sites/NAME
/example.org/list/sources  the full list of a panel
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, Response

from page_tracker.people.roles import Role
from page_tracker.sites.site import Site
from page_tracker.store.sites import Sites
from page_tracker.web.pages.all_sites import all_sites_page
from page_tracker.web.pages.annotations import annotated, register_annotations
from page_tracker.web.pages.error_pages import NoSuchPage, register_problems
from page_tracker.web.pages.experiment_routes import may_compare, register_experiments
from page_tracker.web.pages.exports import ENDINGS, PARTS, how_page, taken
from page_tracker.web.pages.flag_list import register_flags
from page_tracker.web.pages.guard import PageGuard, Person, open_to_guests
from page_tracker.web.pages.letting_in import left_panel, register_letting_in
from page_tracker.web.pages.lists import list_page
from page_tracker.web.pages.opening import Open, admission, as_file, opening, said
from page_tracker.web.pages.page_answers import Answers
from page_tracker.web.pages.page_services import PageServices
from page_tracker.web.pages.panels import PANELS
from page_tracker.web.pages.property_list import property_page
from page_tracker.web.pages.render import render
from page_tracker.web.pages.segments import register_segments
from page_tracker.web.pages.shared import register_shared
from page_tracker.web.pages.site_page import site_page
from page_tracker.web.pages.view import View, written
from page_tracker.web.path_converter import add_converters


def pages(sources: PageServices, guard: PageGuard) -> Blueprint:
    """The routes; without a role for a site, one is answered as if there were none."""
    blueprint = Blueprint("pages", __name__)
    blueprint.record(add_converters)
    blueprint.add_app_template_filter(shown_pairs, "pairs")
    blueprint.add_app_template_filter(shown_as, "to")
    blueprint.add_app_template_filter(written, "with")
    register_problems(blueprint)

    admitted = admission(sources.sites, guard)
    opened = opening(admitted)

    @blueprint.get("/sites")
    def all_sites() -> Response:
        """All sites that the person may see."""
        person = guard.require()
        view, problems, _ = said()
        mine = _seen(sources.sites(), person)
        told = all_sites_page(mine, view, problems, sources.asking, sources.live)
        may_add = person.may(Role.OWNER, None)
        return render("sites.html", may_add=may_add, **told)

    _register_site_pages(blueprint, sources, guard, opened)
    register_letting_in(blueprint, sources.sites, guard, admitted)
    register_annotations(blueprint, sources.annotations, guard, admitted)
    register_segments(blueprint, sources.sites, guard, admitted)
    _register_parts(blueprint, sources, opened)
    register_experiments(blueprint, sources, guard, opened)
    register_flags(blueprint, sources.flags, guard)
    register_shared(blueprint, sources.sites, guard)
    return blueprint


def _register_site_pages(
    blueprint: Blueprint, sources: PageServices, guard: PageGuard, opened: Open
) -> None:
    """The page of a site, and its lists."""

    @blueprint.get("/<domain:name>")
    @blueprint.get("/sites/<name>")
    @open_to_guests
    def site(name: str) -> Response:
        """What was counted for a site."""
        found, view, problems = opened(name, "")
        answers = Answers(sources.asking, found)
        told = site_page(answers, view, problems, sources.live)
        asked, person = told["asked"], guard.admit(Role.VIEWER, found.id)
        left = left_panel(answers, asked, sources.sites().directory(), person)
        imports = sources.imports(found.id)
        happened = annotated(asked, told["chart"], sources.annotations, imports)
        told["may_compare"] = may_compare(sources, person, found)
        return render("site.html", **told, **left, **happened)

    @blueprint.get("/<domain:name>/list/<panel>")
    @blueprint.get("/sites/<name>/list/<panel>")
    @open_to_guests
    def listed(name: str, panel: str) -> Response:
        """The full list of a panel, and as a file: `sources`, `sources.csv`."""
        found, view, problems = opened(name, f"/list/{panel}")
        part, dot, ending = panel.rpartition(".")
        if dot:
            _require(part in PANELS and ending in ENDINGS, panel)
            text = taken(found, part, ending, view, problems, sources.asking, True)
            return as_file(text, f"{found.id}-{part}", ending)
        _require(panel in PANELS, panel)
        return render(
            "list.html",
            **list_page(
                found, PANELS[panel], view, problems, sources.asking, sources.live
            ),
        )


def _register_parts(blueprint: Blueprint, sources: PageServices, opened: Open) -> None:
    """What a part of a site's page shows: as a file, and with how it is counted."""

    @blueprint.get("/<domain:name>/export/<part>.<ending>")
    @blueprint.get("/sites/<name>/export/<part>.<ending>")
    @open_to_guests
    def export(name: str, part: str, ending: str) -> Response:
        """What a part of the page shows, as a file."""
        found, view, problems = opened(name, f"/export/{part}.{ending}")
        _require(part in PARTS and ending in ENDINGS, f"{part}.{ending}")
        text = taken(found, part, ending, view, problems, sources.asking, False)
        return as_file(text, f"{found.id}-{part}", ending)

    @blueprint.get("/<domain:name>/properties")
    @blueprint.get("/sites/<name>/properties")
    @open_to_guests
    def properties(name: str) -> Response:
        """Which properties the events of these days have."""
        found, view, problems = opened(name, "/properties")
        answers = Answers(sources.asking, found)
        told = property_page(answers, view, problems, sources.live)
        return render("properties.html", **told)

    @blueprint.get("/<domain:name>/how/<part>")
    @blueprint.get("/sites/<name>/how/<part>")
    @open_to_guests
    def how(name: str, part: str) -> Response:
        """How a part of the page is counted, and how to ask the same question."""
        found, view, problems = opened(name, f"/how/{part}")
        _require(part in PARTS, part)
        told = how_page(
            found,
            part,
            view,
            problems,
            sources.asking,
            sources.live,
            sources.reached_at(),
        )
        return render("how.html", **told)


def _require(is_there: bool, name: str) -> None:
    if not is_there:
        raise NoSuchPage(
            f"There is nothing called {name[:100]} here",
            f"There are {', '.join(PARTS)}; files end in .{' or .'.join(ENDINGS)}.",
        )


def shown_pairs(query: str) -> list[tuple[str, str]]:
    """The parts of a query string, for a form that resends them."""
    return parse_qsl(query.removeprefix("?"), keep_blank_values=True)


def shown_as(view: View, **changes: Any) -> str:
    """The address of a view with other values in these fields."""
    return written(view.of_page(), **changes) or "?"


def _seen(sites: Sites, person: Person) -> list[Site]:
    """The sites that a person may see, by name."""
    known = sites.directory().by_id
    return [known[name] for name in sorted(known) if person.may(Role.VIEWER, name)]
