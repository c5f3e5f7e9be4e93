"""`page-tracker sent-log`: what the pages do with a log that was sent to them.

Only for the program itself; people have `page-tracker import`, whose words these are.
"""

from __future__ import annotations

import dataclasses
import os
import time

import click
from msgspec.structs import replace

from page_tracker.commands.options import setting_option
from page_tracker.errors import PageTrackerError
from page_tracker.history.import_summary import summary
from page_tracker.history.imports import Order
from page_tracker.history.lines import Log
from page_tracker.history.register import Import
from page_tracker.history.sent_log import SentLog, SentLogs
from page_tracker.settings import Settings
from page_tracker.wiring.history import Historian, historian_of_folder
from page_tracker.wiring.sent_logs import open_sent_logs

# Seconds between two updates of the progress that a person sees.
_LOOK_SECONDS = 0.5


@click.command(name="sent-log")
@click.argument("domain")
@setting_option("data")
@setting_option("lake")
def sent_log(domain: str, **options: str | None) -> None:
    """Do the next step with the log that was sent for the site DOMAIN."""
    settings = _absolute(Settings.from_environment(**options))
    logs = open_sent_logs(settings)
    with logs.working(domain) as sent:
        progress = _Progress(logs, sent)
        try:
            with historian_of_folder(settings, progress) as historian:
                _do(logs, sent, historian, progress)
        except PageTrackerError as error:
            logs.save(
                replace(
                    progress.sent,
                    step="refused",
                    refused_at=sent.step,
                    problem=error.problem,
                    remedy=error.remedy,
                )
            )


def _absolute(settings: Settings) -> Settings:
    """The settings, independent of the working directory."""
    # The lake is so already: `Settings` makes it.
    return dataclasses.replace(settings, data=settings.data.absolute())


def _do(
    logs: SentLogs, sent: SentLog, historian: Historian, progress: _Progress
) -> None:
    site, sites = historian.sites.get(sent.site), historian.sites.all()
    if sent.step == "undoing":
        entry = historian.imports.undo(sent.import_id, sites, site.id)
        went = {"pageviews": entry.pageviews - entry.deleted}
        logs.save(replace(sent, step="undone", said=went))
        return
    # The log is called by its own name in all messages.
    os.chdir(logs.log(sent).parent)
    order = Order(site, [sent.name], sent.wanted, sent.overlap)
    if sent.step == "reading":
        tally = historian.imports.rehearse(order, historian.lookups)
        said = dict(summary(site.id, tally, None, dry_run=True))
        logs.save(replace(sent, step="read", said=said))
    elif sent.step == "importing":
        outcome = historian.imports.run(order, historian.lookups, sites)
        logs.drop_log(site.id)
        found = summary(site.id, outcome.tally, outcome.entry, dry_run=False)
        # The malformed lines are deleted with the log.
        said = {**found, "malformed_lines": [], "finished": progress.finished}
        logs.save(replace(sent, step="done", said=said))


class _Progress:
    """Records the progress of the work, for the page."""

    def __init__(self, logs: SentLogs, sent: SentLog) -> None:
        self.sent = sent
        self._logs = logs
        self._next = 0.0
        # Interrupted imports that are finished now.
        self.finished: list[str] = []

    def reads(self, log: Log) -> None:
        self._tell(log.read_bytes, self.sent.size)

    def writes(self, done: int, days: int) -> None:
        self._tell(done, days)

    def finishes(self, entry: Import) -> None:
        self.finished.append(entry.id)

    def _tell(self, done: int, total: int) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _LOOK_SECONDS
            self.sent = self._logs.save(replace(self.sent, done=done, total=total))
