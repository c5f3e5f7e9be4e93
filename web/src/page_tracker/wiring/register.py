"""The register of imports, beside the lake."""

from datetime import date
from functools import partial

from page_tracker.days import date_of
from page_tracker.history.register import Register
from page_tracker.query.ask import ImportedDays
from page_tracker.settings import Settings, is_in_bucket


def open_register(settings: Settings) -> Register:
    """The register of the imports into the lake. Raises SettingsError."""
    folder = settings.data / "imports"
    if not is_in_bucket(settings):
        return Register(folder)
    # pylint: disable-next=import-outside-toplevel # only such a lake loads its client
    from page_tracker.wiring.bucket import open_register_in_bucket

    return open_register_in_bucket(settings, folder)


def open_imported_days(settings: Settings) -> ImportedDays:
    """Which days of a site have page views from imports. Raises SettingsError."""
    return partial(_imported_days, open_register(settings))


def _imported_days(register: Register, site: str) -> list[date]:
    return [
        date_of(day.day)
        for each in register.present(site)
        for day in each.days
        if day.views and each.state == "done"
    ]
