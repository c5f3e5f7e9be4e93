"""The blueprint of all pages.

/sites                     all sites
/example.org               a site; one without a dot in its name is at /sites/NAME
/example.org/list/sources  the full list of a panel
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

from flask import Blueprint, Response, redirect, request
from flask.sansio.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from werkzeug.routing import BaseConverter

from page_tracker.flags.declared import EXPERIMENTS_PAGE
from page_tracker.history.register import Import
from page_tracker.people.roles import Role
from page_tracker.sites.site import Site
from page_tracker.store.annotations import AnnotationStore
from page_tracker.store.counters import Live
from page_tracker.store.sites import Sites
from page_tracker.web.pages.all_sites import all_sites_page
from page_tracker.web.pages.annotations import annotated, register_annotations
from page_tracker.web.pages.error_pages import NoSuchPage, register_problems
from page_tracker.web.pages.experiment_page import experiment_page
from page_tracker.web.pages.exports import ENDINGS, PARTS, how_page, taken
from page_tracker.web.pages.flag_list import register_flags
from page_tracker.web.pages.forms import meant
from page_tracker.web.pages.guard import PageGuard, Person, open_to_guests
from page_tracker.web.pages.letting_in import left_panel, register_letting_in
from page_tracker.web.pages.lists import list_page
from page_tracker.web.pages.page_answers import Answers
from page_tracker.web.pages.panels import PANELS
from page_tracker.web.pages.property_list import property_page
from page_tracker.web.pages.refusals import no_such_site
from page_tracker.web.pages.render import HEADERS, render
from page_tracker.web.pages.segments import register_segments
from page_tracker.web.pages.shared import register_shared
from page_tracker.web.pages.site_page import home_of, site_page
from page_tracker.web.pages.view import View, read, written

if TYPE_CHECKING:  # loaded with the first question
    from page_tracker.flags.provider import Flags
    from page_tracker.query.ask import Asking


class Domain(BaseConverter):
    """A name with a dot: no route of ours begins with one."""

    regex = r"[^/]+\.[^/]+"


def add_converter(state: BlueprintSetupState) -> None:
    """Let routes of a blueprint's application have it."""
    state.app.url_map.converters["domain"] = Domain


class PageServices(NamedTuple):
    """What pages are made of; each part is requested when it is needed."""

    asking: Callable[[], Asking]
    sites: Callable[[], Sites]
    live: Callable[[], Live]
    annotations: Callable[[], AnnotationStore]
    # The imports of a site, including undone ones.
    imports: Callable[[str], Sequence[Import]]
    # What is turned on for whom.
    flags: Callable[[], Flags]
    # Where browsers reach this server, if that is set.
    url: str | None


def pages(sources: PageServices, guard: PageGuard) -> Blueprint:
    """The routes; without a role for a site, one is answered as if there were none."""
    blueprint = Blueprint("pages", __name__)
    blueprint.record(add_converter)
    blueprint.add_app_template_filter(shown_pairs, "pairs")
    blueprint.add_app_template_filter(shown_as, "to")
    blueprint.add_app_template_filter(written, "with")
    register_problems(blueprint)

    def admitted(name: str) -> Site:
        """The site with that name, if the person may see it. Raises NotAllowed."""
        found = named_site(sources.sites(), name)
        if found is None:
            guard.require()  # who has not signed in is told nothing of sites
            raise no_such_site()
        guard.admit(Role.VIEWER, found.id)
        return found

    @blueprint.get("/sites")
    def all_sites() -> Response:
        """All sites that the person may see."""
        person = guard.require()
        view, problems, _ = _said()
        mine = _seen(sources.sites(), person)
        told = all_sites_page(mine, view, problems, sources.asking, sources.live)
        may_add = person.may(Role.OWNER, None)
        return render("sites.html", may_add=may_add, **told)

    _register_site_pages(blueprint, sources, guard, admitted)
    register_letting_in(blueprint, sources.sites, guard, admitted)
    register_annotations(blueprint, sources.annotations, guard, admitted)
    register_segments(blueprint, sources.sites, guard, admitted)
    _register_parts(blueprint, sources, admitted)
    _register_experiments(blueprint, sources, guard, admitted)
    register_flags(blueprint, sources.flags, guard)
    register_shared(blueprint, sources.sites, guard)
    return blueprint


def _register_site_pages(
    blueprint: Blueprint,
    sources: PageServices,
    guard: PageGuard,
    admitted: Callable[[str], Site],
) -> None:
    """The page of a site, and its lists."""

    @blueprint.get("/<domain:name>")
    @blueprint.get("/sites/<name>")
    @open_to_guests
    def site(name: str) -> ResponseReturnValue:
        """What was counted for a site."""
        found = admitted(name)
        if moved := elsewhere(found, ""):
            return moved
        view, problems, is_form = _said()
        if is_form and not problems:
            return redirect(home_of(found.id) + written(view), 303)
        answers = Answers(sources.asking, found)
        told = site_page(answers, view, problems, sources.live)
        asked, person = told["asked"], guard.admit(Role.VIEWER, found.id)
        left = left_panel(answers, asked, sources.sites().directory(), person)
        imports = sources.imports(found.id)
        happened = annotated(asked, told["chart"], sources.annotations, imports)
        told["may_compare"] = _may_compare(sources, person, found)
        return render("site.html", **told, **left, **happened)

    @blueprint.get("/<domain:name>/list/<panel>")
    @blueprint.get("/sites/<name>/list/<panel>")
    @open_to_guests
    def listed(name: str, panel: str) -> ResponseReturnValue:
        """The full list of a panel, and as a file: `sources`, `sources.csv`."""
        found = admitted(name)
        if moved := elsewhere(found, f"/list/{panel}"):
            return moved
        view, problems, is_form = _said()
        part, dot, ending = panel.rpartition(".")
        if dot:
            _require(part in PANELS and ending in ENDINGS, panel)
            text = taken(found, part, ending, view, problems, sources.asking, True)
            return _file(text, f"{found.id}-{part}", ending)
        _require(panel in PANELS, panel)
        if is_form and not problems:
            return redirect(f"{home_of(found.id)}/list/{panel}{written(view)}", 303)
        return render(
            "list.html",
            **list_page(
                found, PANELS[panel], view, problems, sources.asking, sources.live
            ),
        )


def _register_parts(
    blueprint: Blueprint, sources: PageServices, admitted: Callable[[str], Site]
) -> None:
    """What a part of a site's page shows: as a file, and with how it is counted."""

    @blueprint.get("/<domain:name>/export/<part>.<ending>")
    @blueprint.get("/sites/<name>/export/<part>.<ending>")
    @open_to_guests
    def export(name: str, part: str, ending: str) -> ResponseReturnValue:
        """What a part of the page shows, as a file."""
        found = admitted(name)
        if moved := elsewhere(found, f"/export/{part}.{ending}"):
            return moved
        _require(part in PARTS and ending in ENDINGS, f"{part}.{ending}")
        view, problems, _ = _said()
        text = taken(found, part, ending, view, problems, sources.asking, False)
        return _file(text, f"{found.id}-{part}", ending)

    @blueprint.get("/<domain:name>/properties")
    @blueprint.get("/sites/<name>/properties")
    @open_to_guests
    def properties(name: str) -> ResponseReturnValue:
        """Which properties the events of these days have."""
        found = admitted(name)
        if moved := elsewhere(found, "/properties"):
            return moved
        view, problems, is_form = _said()
        if is_form and not problems:
            return redirect(f"{home_of(found.id)}/properties{written(view)}", 303)
        answers = Answers(sources.asking, found)
        told = property_page(answers, view, problems, sources.live)
        return render("properties.html", **told)

    @blueprint.get("/<domain:name>/how/<part>")
    @blueprint.get("/sites/<name>/how/<part>")
    @open_to_guests
    def how(name: str, part: str) -> ResponseReturnValue:
        """How a part of the page is counted, and how to ask the same question."""
        found = admitted(name)
        if moved := elsewhere(found, f"/how/{part}"):
            return moved
        _require(part in PARTS, part)
        view, problems, is_form = _said()
        if is_form and not problems:
            return redirect(f"{home_of(found.id)}/how/{part}{written(view)}", 303)
        told = how_page(
            found,
            part,
            view,
            problems,
            sources.asking,
            sources.live,
            sources.url or request.host_url.rstrip("/"),
        )
        return render("how.html", **told)


def _register_experiments(
    blueprint: Blueprint,
    sources: PageServices,
    guard: PageGuard,
    admitted: Callable[[str], Site],
) -> None:
    """The page that compares variants, for whom it is turned on."""

    @blueprint.get("/<domain:name>/experiments")
    @blueprint.get("/sites/<name>/experiments")
    def experiments(name: str) -> ResponseReturnValue:
        """Which group of visitors reached a goal more often."""
        found = admitted(name)
        if moved := elsewhere(found, "/experiments"):
            return moved
        if not _may_compare(sources, guard.require(), found):
            raise NoSuchPage(
                "Comparing variants is not turned on for you here",
                f"The flag {EXPERIMENTS_PAGE.name} decides it: ask an owner of all"
                " sites.",
            )
        view, problems, is_form = _said()
        if is_form and not problems:
            return redirect(f"{home_of(found.id)}/experiments{written(view)}", 303)
        answers = Answers(sources.asking, found)
        told = experiment_page(answers, view, problems, sources.live)
        return render("experiments.html", **told)


def _may_compare(sources: PageServices, person: Person, site: Site) -> bool:
    """Whether the page that compares variants is turned on for a person."""
    is_known = not person.is_guest
    return is_known and sources.flags().is_on(EXPERIMENTS_PAGE, person.name, site.id)


def _require(is_there: bool, name: str) -> None:
    if not is_there:
        raise NoSuchPage(
            f"There is nothing called {name[:100]} here",
            f"There are {', '.join(PARTS)}; files end in .{' or .'.join(ENDINGS)}.",
        )


def _file(text: str, name: str, ending: str) -> Response:
    """A file that browsers save."""
    kinds = {"csv": "text/csv", "json": "application/json"}
    response = Response(text, mimetype=kinds[ending])
    response.headers.update(HEADERS)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{ending}"'
    return response


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


def _said() -> tuple[View, tuple[str, ...], bool]:
    """The view that the request's address, or a form, describes."""
    pairs = list(request.args.items(multi=True))
    known = meant(pairs)
    return (*read(known), known != pairs)


def named_site(sites: Sites, name: str) -> Site | None:
    """The site with that name, as if it were created just now."""
    return sites.directory().resolve(name) or sites.look_again().resolve(name)


def elsewhere(site: Site, rest: str) -> ResponseReturnValue | None:
    """Redirect to the one address that a site's page has, from all others."""
    wanted = home_of(site.id) + rest
    if request.path == wanted:
        return None
    query = request.query_string.decode("latin-1")
    return redirect(f"{wanted}?{query}" if query else wanted, 308)
