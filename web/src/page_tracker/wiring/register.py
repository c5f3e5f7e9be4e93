"""The register of imports, beside the lake."""

from page_tracker.history.register import Register
from page_tracker.settings import Settings, is_in_bucket


def open_register(settings: Settings) -> Register:
    """The register of the imports into the lake. Raises SettingsError."""
    folder = settings.data / "imports"
    if not is_in_bucket(settings):
        return Register(folder)
    # pylint: disable-next=import-outside-toplevel # only such a lake loads its client
    from page_tracker.wiring.bucket import open_register_in_bucket

    return open_register_in_bucket(settings, folder)
