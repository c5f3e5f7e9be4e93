"""Hits as a busy site sends them, every column filled: what the lake's benchmarks write.

3,000 pages by Zipf's law, visits of some pages each from thousands of sources, places
and devices, engagements with time and depth, now and then an event with properties or
revenue. The same seed gives the same rows.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import accumulate
from typing import Any

DAY = 86_400_000_000  # microseconds
ORIGIN = 1_234_567_890 << 32
SECTIONS = ("blog", "docs", "guides", "products", "help", "about", "news")
HOSTS = ("example.com", "www.example.com", "docs.example.com")
CAMPAIGNS = tuple(f"campaign-{number}" for number in range(24))
COUNTRIES = ("US", "DE", "GB", "FR", "IN", "BR", "CA", "NL", "ES", "JP", "PL", "SE")
BROWSERS = ("Chrome", "Safari", "Firefox", "Edge", "Samsung Internet", "Opera")
SYSTEMS = (("Windows", "10"), ("macOS", "14.5"), ("iOS", "18.1"), ("Android", "15"))
LANGUAGES = ("en-US", "de-DE", "en-GB", "fr-FR", "pt-BR", "es-ES", "ja", "nl-NL")
SCREENS = ("Mobile", "Tablet", "Laptop", "Desktop")


def _weights(number: int, exponent: float = 1.0) -> list[float]:
    return list(accumulate(1 / (rank**exponent) for rank in range(1, number + 1)))


@dataclass
class Traffic:
    """Hits of one site, `visits_a_day` visits a day, in the order of time.

    `hits()` yields rows in the order of schema.HITS.
    """

    seed: int = 1
    site: str = "example.com"
    first_day: int = 20_600
    visits_a_day: int = 20_000
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._pages = [
            f"/{SECTIONS[number % 7]}/{number:04d}-{'-'.join(self._words(4))}"
            for number in range(3_000)
        ]
        self._titles = [" ".join(self._words(5)).title() for _ in self._pages]
        self._page_weights = _weights(len(self._pages))
        self._sources = self._made_sources()
        # A city lies in one region of one country; some are seen often, most seldom.
        self._cities = [
            (country, f"{country}-{self._random.randrange(20)}", " ".join(self._words(1)))
            for country in self._random.choices(COUNTRIES, range(12, 0, -1), k=1_000)
        ]
        self._city_weights = _weights(len(self._cities))

    def _words(self, number: int) -> list[str]:
        syllables = ("ra", "to", "mi", "len", "so", "ver", "ka", "din", "pul", "est")
        return ["".join(self._random.choices(syllables, k=2)) for _ in range(number)]

    def _made_sources(self) -> list[tuple[str, ...]]:
        search = [("google.com/", "Google", "Organic Search", *("",) * 5)] * 40
        direct = [("", "", "Direct", *("",) * 5)] * 40
        links = [
            (f"{name}.org/{'/'.join(self._words(2))}", f"{name}.org", "Referral")
            + ("",) * 5
            for name in self._words(300)
        ]
        campaigns = [
            ("", "newsletter", "Email", "newsletter", "email", name, "button", "term")
            for name in CAMPAIGNS
        ]
        return search * 5 + direct * 5 + links + campaigns * 4

    def hits(self) -> Iterator[tuple[Any, ...]]:
        day = self.first_day
        waiting: list[tuple[Any, ...]] = []
        while True:
            start = day * DAY
            step = DAY // self.visits_a_day
            for number in range(1, self.visits_a_day + 1):
                begun = start + number * step - self._random.randrange(step)
                while waiting and waiting[0][0] <= begun:
                    yield heappop(waiting)
                for row in self._visit(day, begun, number):
                    heappush(waiting, row)
            # A visit ends with its day.
            while waiting:
                yield heappop(waiting)
            day += 1

    def _visit(self, day: int, begun: int, number: int) -> Iterator[tuple[Any, ...]]:
        draw = self._random
        visitor = ORIGIN | draw.randrange(1, number + 1)
        touch = draw.choice(self._sources)
        system = draw.choice(SYSTEMS)
        city = draw.choices(self._cities, cum_weights=self._city_weights)[0]
        fixed = (
            *touch,
            *city,
            ("Desktop", "Desktop", "Mobile", "Mobile")[SYSTEMS.index(system)],
            *(draw.choices(BROWSERS, (50, 25, 10, 8, 4, 3))[0],),
            *(str(draw.randrange(118, 132)), *system),
            *(draw.choice(SCREENS), draw.choice(LANGUAGES)),
        )
        host, entry, previous, previous_host = draw.choice(HOSTS), "", "", ""
        time, since, step, view = begun, 0, 0, 0
        views = min(int(draw.paretovariate(1.2)), 12)
        for position in range(views):
            page = draw.choices(range(3_000), cum_weights=self._page_weights)[0]
            path = self._pages[page]
            entry = entry or path
            step, view = step + 1, view + 1
            elapsed = (time - begun) // 1000
            head = (day, self.site)
            place = (host, path, self._titles[page], visitor, ORIGIN | number)
            tail = (previous, previous_host, entry, host, *fixed)
            month = _month(day)
            yield (
                *(time, *head, "pageview", *place, step, view, view),
                *(since, elapsed, position == 0, *tail),
                *({}, None, None, None, "", month),
            )
            stay = draw.randrange(3_000, 180_000)
            ended = min(time + stay * 1000, (day + 1) * DAY - 1)
            tail = (path, host, entry, host, *fixed)
            if draw.random() < 0.5:
                yield (
                    *(ended, *head, "engagement", *place, 0, 0, 0),
                    *(0, (ended - begun) // 1000, False, *tail),
                    *({}, stay // 2, draw.randrange(5, 101), None, "", month),
                )
            elif draw.random() < 0.1:
                step += 1
                bought = draw.random() < 0.3
                yield (
                    *(ended, *head, "Purchase" if bought else "Download", *place),
                    *(step, 0, view + 1, stay, (ended - begun) // 1000, False, *tail),
                    {"plan": draw.choice(("small", "large")), "file": path[-9:]},
                    *(None, None, draw.randrange(10**6) if bought else None),
                    *("EUR" if bought else "", month),
                )
            since, time, previous, previous_host = stay, ended, path, host


def _month(day: int) -> str:
    from datetime import date, timedelta

    return f"{date(1970, 1, 1) + timedelta(days=day):%Y-%m}"
