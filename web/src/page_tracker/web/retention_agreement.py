"""Hits that a setting would delete, and their number, which has to be repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from page_tracker.sites.site import Site

if TYPE_CHECKING:  # Delta is loaded with the first that is looked for
    from page_tracker.upkeep.retention_preview import PreviewRetention, RetentionPreview


class WouldDelete(Exception):
    """A site's new retention would delete hits, and their number was not repeated."""

    def __init__(self, going: RetentionPreview) -> None:
        super().__init__(f"{going.in_words()} would be deleted for good")
        self.going = going


def require_agreed(
    preview_retention: PreviewRetention, wanted: Site, now: float, agreed: int | None
) -> None:
    """Raise WouldDelete if a site as `wanted` loses hits, and not `agreed` ones.

    `now` is in seconds since 1970. Raises LakeError.
    """
    going = preview_retention(wanted, now)
    if going and agreed != going.hits:
        raise WouldDelete(going)
