"""Lines divided at their quotes: what is found is what is found by their pattern."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from page_tracker.history.blocks import Sieve
from page_tracker.history.dialect import Dialect
from page_tracker.history.formats import FORMATS
from page_tracker.history.plain_sieve import PlainSieve
from page_tracker.hits.facts import Bot, Lookups
from page_tracker.hits.hit import Client, Place, Touch
from page_tracker.sites.site import Site
from support.drawing import examples

SITES = [
    Site(id="example.com"),
    Site(
        id="example.com",
        timezone="Asia/Kathmandu",
        own_addresses=("192.0.2.8",),
        blocked_addresses=("2001:db8::/32",),
        blocked_countries=("NZ",),
        blocked_pages=("/private*",),
        counted_bots=("(no user agent)",),
    ),
]
LOOKUPS = Lookups(
    client_of=lambda agent: Client(browser=agent[:3], os_version=agent[-1:]),
    hinted_client_of=lambda *_: Client(),
    bot_of=lambda agent: Bot("Bot", "other") if not agent or "bot" in agent else None,
    place_of=lambda address: Place("NZ" if address.endswith("9") else "DE", "", ""),
    is_spam=lambda host: host == "spam.example",
    touch_of=lambda referrer, query, _: Touch(referrer, query, utm_term=query),
)
FIRST_DAY = 17_000  # in 2016


def mostly(usual: Sequence[str], *others: str) -> list[str]:
    """The usual values, many times, and others, so that most lines are in order."""
    times = 4 * len(others) // len(usual) + 1
    return [*list(usual) * times, *others]


CLIENTS = mostly(
    ["192.0.2.7 - -", "192.0.2.8 - -", "192.0.2.9 - -", "2001:DB8::1 - alice"],
    *("198.51.100.1, 10.0.0.1 10.0.0.2 - -", "- 192.0.2.7 - -", "- - -", "[::1]:1 - -"),
    *("192.0.2.7 example.com -", "192.0.2.7 other.example -", "192.0.2.7 -"),
    *("192.0.2.7 192.0.2.8 u", "192.0.2.7 192.0.2.8 u[", "192.0.2.7,  - -"),
    *("example.com:80 192.0.2.7 - -", '"example.com" 192.0.2.7 - -'),
    *(" 192.0.2.7 - -", "192.0.2.256 - -", "192.0.2.7 - a b"),
)
TIMES = mostly(
    ["31/Jan/2026:13:00:05 +0100", "31/Jan/2026:18:14:59 +0000"],
    *("31/Jan/2026:18:15:00 +0000", "31/Jan/2026:23:59:60 +0000"),
    *("31/Feb/2026:13:00:05 +0100", "31/Jan/2026:13:00:5 +0100", "٣١/Jan/2026"),
    *("01/Jan/2014:13:00:05 -0030", "31/Jan/2026:13:00:05 +0100] x"),
)
REQUESTS = mostly(
    ["GET / HTTP/1.1", "GET /a?utm_term=b HTTP/1.1"],
    *("POST / HTTP/1.1", "GET /private/x HTTP/1.0", "GET", "", "-", "GET /ä"),
    *("GET http://other.example/ HTTP/1.1", r"GET /\"a\" HTTP/1.1", r"\x16\x03"),
    *("GET /a.css HTTP/1.1", "GET /b\\ HTTP/1.1"),
)
ANSWERS = mostly(["200 5"], "304 -", "404 0", "301 1", "٢٠٠ 5", "200 ٥", "20 5", "ok -")
QUOTED = mostly(
    ["-", "https://example.org/", "Agent (1.0)"],
    *("", "https://spam.example/", "a bot", r"a \"b\"", "ä", "192.0.2.8, 10.0.0.1"),
)
BLANKS = mostly([" "], "", "  ")
RESTS = mostly([""], "\r", ' "198.51.100.4"', ' 0.004 "-"', ' "a" b "', " [x] ")


ODD = ("", '"', "\\", "[", "] ", " ", "-", "\r", "\u2028", "ä")


def line(chance: Random) -> str:
    """A line like a log's, with something odd put in, or taken out, here and there."""
    pick = chance.choice
    text = (
        f'{pick(CLIENTS)} [{pick(TIMES)}] "{pick(REQUESTS)}" {pick(ANSWERS)}'
        f'{pick(BLANKS)}"{pick(QUOTED)}"{pick(BLANKS)}"{pick(QUOTED)}"{pick(RESTS)}'
    )
    if chance.randrange(6):
        return text
    at = chance.randrange(len(text))
    return text[:at] + pick(ODD) + text[at + chance.randrange(4) :]


dialects = st.builds(
    Dialect,
    st.sampled_from(["combined", "combined-vhost"]),
    has_others=st.booleans(),
    has_agents=st.booleans(),
    whose=st.sampled_from(["peer", "forwarded"]),
)


@settings(max_examples=examples(10, long=40))
@given(st.integers(), dialects, st.sampled_from(SITES))
def test_plain_lines_say_what_a_sieve_says_of_them(
    seed: int, dialect: Dialect, site: Site
) -> None:
    sieve = Sieve.of(site, dialect, LOOKUPS, bytes(32), FIRST_DAY)
    client_in = FORMATS[dialect.format].client_in
    assert client_in is not None
    chance = Random(seed)  # nosec: no secret
    text = "\n".join(line(chance) for _ in range(200))

    expected = sieve.sift(text, 70)
    found = PlainSieve(sieve, client_in).sift(text, 70)

    rows = sorted(found.rows, key=lambda row: row[-1])
    assert found._replace(rows=rows) == expected
