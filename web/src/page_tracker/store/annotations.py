"""Annotations of sites as Redis keeps them, and `annotations.json`, their mirror."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from redis import Redis

from page_tracker.sites.annotation import Annotations, SiteAnnotations
from page_tracker.store.mirror_files import Mirror, MirroredAnnotations
from page_tracker.store.registry import Kept, Shelf, Snapshot, Watched

ANNOTATIONS_KEY = "pt:annotations"

BySite = Mapping[str, SiteAnnotations]


class KeptAnnotations(Kept):
    """All annotations, and `annotations.json` in the data folder."""

    def __init__(self, redis: Redis, folder: Path) -> None:
        self.sites = Shelf(redis, ANNOTATIONS_KEY, SiteAnnotations)
        mirror = Mirror(folder / "annotations.json", MirroredAnnotations())
        super().__init__(redis, self.sites, mirror)

    def _fill(self) -> bool:
        found = {each.id: each for each in self.mirror.read().sites}
        return bool(found) and self.sites.swap(Snapshot(), found)

    def _write_mirror(self) -> None:
        kept = self.sites.read()
        if kept.version is not None:
            ordered = tuple(kept.entries[i] for i in sorted(kept.entries))
            self.mirror.write(MirroredAnnotations(sites=ordered))


class AnnotationStore:
    """The annotations of all sites; what is asked of Redis may raise RedisError."""

    def __init__(self, kept: KeptAnnotations) -> None:
        self._kept = kept
        self._watched: Watched[SiteAnnotations, BySite] = Watched(
            kept, kept.sites, lambda entries: entries
        )

    def known(self, site: str) -> Annotations:
        """A site's annotations as they are now, by their dates, for a page.

        The last ones that were seen stay while Redis is away.
        """
        return _of(self._watched.look(), site)

    def change(
        self, site: str, decide: Callable[[Annotations], Annotations]
    ) -> Annotations:
        """Put what `decide` makes of a site's annotations in their place.

        Raises MirrorError, and what `decide` does.
        """
        made: list[Annotations] = []

        def decide_all(sites: BySite) -> BySite:
            made[:] = [decide(_of(sites, site))]
            return {**sites, site: SiteAnnotations(id=site, annotations=made[0])}

        self._kept.change(self._kept.sites, decide_all)
        return made[0]

    def forget(self, site: str) -> None:
        """Forget those of a site that is removed: another may come by its name."""
        self._kept.change(
            self._kept.sites,
            lambda sites: {i: each for i, each in sites.items() if i != site},
        )


def _of(sites: BySite, site: str) -> Annotations:
    found = sites.get(site)
    return found.annotations if found else ()
