"""`/example.org/import`: a site's log, sent from its page, examined, then imported.

    a log, piece by piece → what it would bring → its import → what it has brought

Reading and writing are done by `page-tracker sent-log`, in its own process; the pages
only show its progress, and what to do next.
"""

from __future__ import annotations

from flask import Blueprint, Response, request
from msgspec.structs import replace

from page_tracker.errors import ImportRefusedError
from page_tracker.history.import_summary import days_of, figures, headline
from page_tracker.history.sent_log import SentLog, Step
from page_tracker.history.wanted import Wanted
from page_tracker.people.roles import NEEDED, Deed
from page_tracker.sites.demonstration import require_own
from page_tracker.sites.site import Site
from page_tracker.web.pages.people_services import PeopleServices
from page_tracker.web.pages.refusals import LONGEST_PIECE, no_such_site
from page_tracker.web.pages.render import render, to
from page_tracker.web.pages.settings.section import SECTIONS
from page_tracker.web.pages.site_page import home_of


def register_imports(blueprint: Blueprint, services: PeopleServices) -> None:
    """The routes: editors import, owners undo."""
    desk = _Desk(services)

    @blueprint.get("/<domain:name>/import")
    @blueprint.get("/sites/<name>/import")
    def show_imports(name: str) -> Response:
        return desk.page(desk.site(name, Deed.IMPORT))

    @blueprint.post("/sites/<name>/import/log")
    def take_log(name: str) -> Response:
        """Take a log, or a piece of it; read it once it is complete."""
        return desk.take(desk.site(name, Deed.IMPORT))

    @blueprint.post("/sites/<name>/import/read")
    def read_log(name: str) -> Response:
        """Show again what the log would bring, read with the form's options."""
        return desk.work(
            desk.site(name, Deed.IMPORT),
            "reading",
            wanted=_wanted(),
            overlap="overlap" in request.form,
        )

    @blueprint.post("/sites/<name>/import/run")
    def run_import(name: str) -> Response:
        """Import the log, or continue with that."""
        return desk.work(desk.site(name, Deed.IMPORT), "importing")

    @blueprint.post("/sites/<name>/import/discard")
    def discard_log(name: str) -> Response:
        site = desk.site(name, Deed.IMPORT)
        services.sent_logs.require_idle(site.id)
        services.sent_logs.discard(site.id)
        return desk.back(site)

    @blueprint.post("/sites/<name>/import/undo")
    def undo_import(name: str) -> Response:
        return desk.undo(
            desk.site(name, Deed.UNDO_IMPORTS), request.form.get("import", "")
        )


class _Desk:
    """Where logs arrive, and are passed on."""

    def __init__(self, services: PeopleServices) -> None:
        self._services = services
        self._logs = services.sent_logs

    def site(self, name: str, deed: Deed) -> Site:
        """The site, if the person may do that with it."""
        site = self._services.sites().look_again().resolve(name)
        if site is None:
            self._services.guard.require()
            raise no_such_site()
        self._services.guard.admit(NEEDED[deed], site.id)
        return site

    def page(self, site: Site) -> Response:
        sent = self._logs.of(site.id)
        said = sent.said if sent and "lines" in sent.said else None
        return render(
            "import.html",
            site=site,
            home=home_of(site.id),
            sections=SECTIONS,
            sent=sent,
            is_worked_on=sent is not None and self._logs.is_worked_on(sent),
            headline=headline(said) if said else "",
            figures=figures(said) if said else [],
            imports=self._services.register.present(site.id)[::-1],
            days_of=days_of,
            formats=_formats(),
            longest=self._logs.longest // 1_000_000,
            longest_piece=LONGEST_PIECE >> 20,
        )

    def take(self, site: Site) -> Response:
        require_own(site)
        log = request.files.get("log")
        if log is None:
            raise ImportRefusedError("no log came with this form", "choose one first")
        piece, at = log.read(), request.form.get("at", 0, int)
        if at == 0:
            size = request.form.get("size", len(piece), int)
            sent: SentLog | None = self._logs.begin(site.id, log.filename or "", size)
        else:
            sent = self._logs.of(site.id)
        if sent is None:
            raise ImportRefusedError("this log is not expected", "send it again")
        sent = self._logs.add(sent, at, piece)
        if sent.done < sent.size:
            return Response(status=204)
        return self._begin(site, replace(sent, step="reading", done=0))

    def work(self, site: Site, step: Step, **changes: object) -> Response:
        """Begin a step with the current log."""
        sent = self._logs.of(site.id)
        self._logs.require_idle(site.id)
        if sent is None or sent.step == "coming" or not self._logs.log(sent).is_file():
            raise ImportRefusedError(
                f"no log of {site.id} is there to be imported", "send it again"
            )
        return self._begin(site, replace(sent, step=step, done=0, **changes))

    def undo(self, site: Site, import_id: str) -> Response:
        """Begin to undo an import; raises UnknownImportError, ImportsBusyError."""
        self._services.register.get(import_id, site.id)
        self._logs.require_free(site.id)
        self._logs.discard(site.id)
        sent = SentLog(site=site.id, step="undoing", import_id=import_id)
        return self._begin(site, sent)

    def back(self, site: Site) -> Response:
        return to(f"{home_of(site.id)}/import")

    def _begin(self, site: Site, sent: SentLog) -> Response:
        self._logs.save(sent)
        self._services.start_command("sent-log", site.id)
        return self.back(site)


def _wanted() -> Wanted:
    """The form's options for reading the log."""
    form = request.form
    name, whose = form.get("format"), form.get("address")
    return Wanted(
        name if name in _formats() else None,
        "forwarded" if whose == "forwarded" else "peer" if whose == "peer" else None,
        "skip_malformed" in form,
    )


def _formats() -> list[str]:
    """The names of the formats of logs."""
    # pylint: disable-next=import-outside-toplevel # what reads logs is heavy
    from page_tracker.history.formats import FORMATS

    return list(FORMATS)
