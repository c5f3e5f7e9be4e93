"""What visitors and visits are, said once more: the model that tests hold us to.

Written from the definitions of the table `hits`, not from the code that finds visits;
it keeps every hit in plain lists and is as slow as it is obvious.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Literal

SILENCE = 30 * 60 * 1000
REMEMBERED = 60 * 60 * 1000

PlainKind = Literal["view", "event", "quiet", "engagement"]
Fate = Literal["stored", "duplicate", "no visit"]


@dataclass(frozen=True)
class PlainHit:
    """One hit: `time` in milliseconds, `day` in days, `visitor` whatever names one."""

    time: int
    day: int
    site: str
    visitor: Hashable
    kind: PlainKind = "view"
    path: str = "/"
    hostname: str = ""
    # Where a visit that begins with this hit comes from.
    touch: Hashable = ""
    event_id: str = ""
    # When it is sent, if that is not when it happened.
    arrived: int = 0

    @property
    def is_late(self) -> bool:
        return bool(self.arrived) and self.arrived - self.time >= SILENCE


@dataclass(frozen=True)
class Found:
    """The columns that a hit gets; all are void unless its fate is `stored`.

    `visitor` and `visit` are running numbers, from 1, of the site's day.
    """

    fate: Fate
    visitor: int = 0
    visit: int = 0
    step: int = 0
    view: int = 0
    interaction: int = 0
    since: int = 0
    elapsed: int = 0
    arrival: bool = False
    previous: str = ""
    previous_hostname: str = ""
    entry_path: str = ""
    entry_hostname: str = ""
    touch: Hashable = ""


@dataclass
class _Visit:
    number: int
    visitor: int
    # Whether it was found beside the visit that its visitor was in.
    is_beside: bool = False
    hits: list[PlainHit] = field(default_factory=list)

    def of(self, *kinds: PlainKind) -> list[PlainHit]:
        return [hit for hit in self.hits if hit.kind in kinds]

    def is_open(self, time: int) -> bool:
        return time - max(hit.time for hit in self.hits) < SILENCE


def find(hits: Iterable[PlainHit]) -> list[Found]:
    """Give each hit, in the order in which they come in, its columns."""
    visits: dict[tuple[int, str], list[_Visit]] = {}
    numbers: dict[tuple[int, str], dict[Hashable, int]] = {}
    seen: dict[tuple[str, str], list[int]] = {}
    found: list[Found] = []
    for hit in hits:
        times = seen.setdefault((hit.site, hit.event_id), [])
        if hit.event_id and any(abs(hit.time - time) < REMEMBERED for time in times):
            found.append(Found("duplicate"))
            continue
        times.append(hit.time)

        visits_of_day = visits.setdefault((hit.day, hit.site), [])
        visitors_of_day = numbers.setdefault((hit.day, hit.site), {})
        number = visitors_of_day.get(hit.visitor, 0)
        visit = _last(visits_of_day, number, is_beside=False)
        is_beside = visit is not None and _is_long_before(hit, visit)
        if is_beside:
            visit = _last(visits_of_day, number, is_beside=True)
        is_open = visit is not None and visit.is_open(hit.time)
        if hit.kind == "engagement" and not is_open:
            found.append(Found("no visit"))
            continue
        arrival = number == 0
        if arrival:
            number = visitors_of_day[hit.visitor] = len(visitors_of_day) + 1
        if visit is None or not is_open:
            visit = _Visit(len(visits_of_day) + 1, number, is_beside)
            visits_of_day.append(visit)
        found.append(_columns(hit, visit, arrival))
        visit.hits.append(hit)
    return found


def _last(visits: list[_Visit], visitor: int, *, is_beside: bool) -> _Visit | None:
    """The visitor's last visit of those beside others, or of those that are not."""
    for visit in reversed(visits):
        if (visit.visitor, visit.is_beside) == (visitor, is_beside):
            return visit
    return None


def _is_long_before(hit: PlainHit, visit: _Visit) -> bool:
    """Whether a hit that comes late is from long before the visit."""
    return hit.is_late and visit.hits[0].time - hit.time >= SILENCE


def _columns(hit: PlainHit, visit: _Visit, arrival: bool) -> Found:
    first = visit.hits[0] if visit.hits else hit
    counted = visit.of("view", "event", "quiet")
    views = visit.of("view")
    before = views[-1] if views and hit.kind == "view" else None
    return Found(
        fate="stored",
        visitor=visit.visitor,
        visit=visit.number,
        step=0 if hit.kind == "engagement" else len(counted) + 1,
        view=len(views) + 1 if hit.kind == "view" else 0,
        interaction=(
            len(visit.of("view", "event")) + 1 if hit.kind in ("view", "event") else 0
        ),
        since=(
            0
            if hit.kind == "engagement" or not counted
            else max(0, hit.time - max(other.time for other in counted))
        ),
        elapsed=max(0, hit.time - first.time),
        arrival=arrival,
        previous=before.path if before else "",
        previous_hostname=before.hostname if before else "",
        entry_path=first.path,
        entry_hostname=first.hostname,
        touch=first.touch,
    )
