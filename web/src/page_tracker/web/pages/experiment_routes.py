"""The routes that compare variants, for whom the flag turns them on."""

from __future__ import annotations

from flask import Blueprint, Response

from page_tracker.flags.declared import EXPERIMENTS_PAGE
from page_tracker.sites.site import Site
from page_tracker.web.pages.error_pages import NoSuchPage
from page_tracker.web.pages.experiment_exports import (
    experiment_as_file,
    how_experiments_page,
)
from page_tracker.web.pages.experiment_page import experiment_page
from page_tracker.web.pages.guard import PageGuard, Person
from page_tracker.web.pages.opening import Open, Opened, as_file
from page_tracker.web.pages.page_answers import Answers
from page_tracker.web.pages.page_services import PageServices
from page_tracker.web.pages.render import render


def register_experiments(
    blueprint: Blueprint, sources: PageServices, guard: PageGuard, opened: Open
) -> None:
    """What came of an experiment: as a page, as a file, and how it is counted."""

    def turned_on(name: str, rest: str) -> Opened:
        found = opened(name, rest)
        if may_compare(sources, guard.require(), found.site):
            return found
        raise NoSuchPage(
            "Comparing variants is not turned on for you here",
            f"The flag {EXPERIMENTS_PAGE.name} decides it: ask an owner of all sites.",
        )

    @blueprint.get("/<domain:name>/experiments")
    @blueprint.get("/sites/<name>/experiments")
    def experiments(name: str) -> Response:
        """Which group of visitors reached a goal more often."""
        site, view, problems = turned_on(name, "/experiments")
        answers = Answers(sources.asking, site)
        told = experiment_page(answers, view, problems, sources.live)
        return render("experiments.html", **told)

    @blueprint.get("/<domain:name>/export/experiments.<any(csv, json):ending>")
    @blueprint.get("/sites/<name>/export/experiments.<any(csv, json):ending>")
    def experiments_file(name: str, ending: str) -> Response:
        """What the page shows, as a file."""
        site, view, problems = turned_on(name, f"/export/experiments.{ending}")
        answers = Answers(sources.asking, site)
        text = experiment_as_file(answers, view, problems, ending)
        return as_file(text, f"{site.id}-experiments", ending)

    @blueprint.get("/<domain:name>/how/experiments")
    @blueprint.get("/sites/<name>/how/experiments")
    def how_experiments(name: str) -> Response:
        """How experiments are counted, and how to ask the same question."""
        site, view, problems = turned_on(name, "/how/experiments")
        answers = Answers(sources.asking, site)
        told = how_experiments_page(
            answers, view, problems, sources.live, sources.reached_at()
        )
        return render("how.html", **told)


def may_compare(sources: PageServices, person: Person, site: Site) -> bool:
    """Whether comparing variants is turned on for a person."""
    is_known = not person.is_guest
    return is_known and sources.flags().is_on(EXPERIMENTS_PAGE, person.name, site.id)
