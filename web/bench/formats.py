"""What a hit costs in each sender's format, relative to ours: read, enriched, answered.

    python bench/formats.py [--hits 2000] [--rounds 15] [--rest 66]

Processor time in this process. Sockets, store and writer cost the same for every
format: `--rest` says how many microseconds, for the ratio to a hit's cost in all
(docs/explanation/benchmarks.md). The formats take turns, round by round, on the same
pages, agents and addresses.
"""

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable
from urllib.parse import urlencode

from page_tracker.hits.client_address import Proxies
from page_tracker.hits.context import Context
from page_tracker.hits.enrich import enrich
from page_tracker.lookups.load import PACKAGED
from page_tracker.lookups.reload import FreshLookups
from page_tracker.protocols import protocol_at
from page_tracker.protocols.bulk import BulkProtocol, readable_by
from page_tracker.protocols.read_request import read_bulk, read_request
from page_tracker.protocols.request import Request
from page_tracker.sites.site import Directory, Site, day_of
from page_tracker.sites.token import Scope, Token, new_secret

SITE = Site(id="example.org", aliases=("7",))
TOKEN_ID, TOKEN, HASH = new_secret()
TOKENS = {TOKEN_ID: Token(id=TOKEN_ID, hash=HASH, scope=Scope.EVENTS, sites=(SITE.id,))}
AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/{}.0.0.0 Safari/537.36"
)
REFERRERS = ("", "https://www.google.com/", "https://t.co/abc", "https://chatgpt.com/")
MANY = 100  # hits of a request that brings several
OURS = "ours"
TRUSTED = Proxies.parse("127.0.0.1")

Said = dict[str, str]


def main() -> None:
    options = _options()
    chance = random.Random(7)
    said = [_said(chance) for _ in range(options.hits)]
    moment = time.time_ns() // 1000
    context = _context(moment)
    requests = {name: make(said) for name, make in FORMATS.items()}
    costs: dict[str, list[float]] = {name: [] for name in FORMATS}
    for _ in range(options.rounds):
        for name, sent in requests.items():
            began = time.process_time()
            for request in sent:
                _accepted(request, moment, context)
            costs[name].append((time.process_time() - began) / len(said) * 1e6)
    # Caches fill in the first round.
    medians = {name: statistics.median(each[1:]) for name, each in costs.items()}
    singles = {name for name, sent in requests.items() if len(sent) == len(said)}
    _show(medians, singles, options.rest)


def _show(medians: dict[str, float], singles: set[str], rest: float) -> None:
    for name, cost in medians.items():
        in_all = (cost + rest) / (medians[OURS] + rest)
        ratio = f", {in_all:.2f} of ours in all" if name in singles else ""
        print(f"{name:40} {cost:6.1f} µs a hit{ratio}")


def _context(moment: int) -> Context:
    salts = {(SITE.id, day_of(SITE, moment)): bytes(16)}
    lookups = FreshLookups(PACKAGED / "none").now
    return Context(Directory([SITE]), salts, lookups, TOKENS)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hits", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--rest", type=float, default=66.0)
    return parser.parse_args()


def _said(chance: random.Random) -> Said:
    return {
        "path": f"/page/{int(3000 ** chance.random())}",
        "referrer": chance.choice(REFERRERS),
        "agent": AGENT.format(chance.randint(120, 131)),
        # As many digits as script.js and matomo.js draw, so that no two are the same.
        "id": f"{chance.random()}{chance.random()}",
        "address": f"81.{chance.randrange(8)}.{chance.randrange(50)}.9",
    }


def _accepted(request: Request, moment: int, context: Context) -> None:
    protocol = protocol_at(request.path)
    assert protocol is not None
    if isinstance(protocol, BulkProtocol):
        bulk = read_bulk(protocol, request, "127.0.0.1", TRUSTED)
        for raw, sender in bulk.parts:
            enrich(raw, sender, moment, context)
        answer = readable_by("", bulk.accept([()] * len(bulk.parts)))
    else:
        raws, sender = read_request(protocol, request, "127.0.0.1", TRUSTED)
        for raw in raws:
            enrich(raw, sender, moment, context)
        answer = protocol.accept(())
    assert answer.status < 300, answer


def _headers(said: Said) -> dict[bytes, bytes]:
    return {
        b"host": b"stats.example.org",
        b"user-agent": said["agent"].encode(),
        b"x-forwarded-for": said["address"].encode(),
        b"accept-language": b"en-GB,en;q=0.9",
        b"content-type": b"text/plain",
    }


def _plausible(each: Said) -> Request:
    """As script.js sends it."""
    event = {"name": "pageview", "id": each["id"], "d": SITE.id, "h": False}
    event |= {"url": f"https://{SITE.id}{each['path']}", "r": each["referrer"]}
    body = json.dumps(event | {"t": "Page", "w": 1920, "props": {}}).encode()
    return Request("POST", "/api/event", "", _headers(each), body)


def _pixel(each: Said) -> Request:
    said = {"p": each["path"], "t": "Page", "r": each["referrer"], "s": "1920,1080,1"}
    return Request(
        "GET", "/count", urlencode(said | {"rnd": each["id"]}), _headers(each)
    )


def _umami_event(each: Said) -> object:
    payload = {"website": SITE.id, "hostname": SITE.id, "screen": "1920x1080"}
    payload |= {"url": each["path"], "referrer": each["referrer"], "title": "Page"}
    return {"type": "event", "payload": payload | {"language": "en-GB"}}


def _umami(each: Said) -> Request:
    body = json.dumps(_umami_event(each)).encode()
    return Request("POST", "/api/send", "", _headers(each), body)


def _umami_batch(said: list[Said]) -> Request:
    body = json.dumps([_umami_event(each) for each in said]).encode()
    return Request("POST", "/api/batch", "", _headers(said[0]), body)


def _matomo_said(each: Said) -> Said:
    page = {"url": f"https://{SITE.id}{each['path']}", "urlref": each["referrer"]}
    sent = {"idsite": "7", "rec": "1", "r": each["id"], "h": "9", "m": "5", "s": "7"}
    more = {"_idn": "1", "send_image": "0", "res": "1920x1080", "lang": "en-GB"}
    return (
        sent | page | more | {"action_name": "Page", "pv_id": "abcdef", "cookie": "1"}
    )


def _matomo(each: Said) -> Request:
    query = urlencode(_matomo_said(each))
    return Request("POST", "/matomo.php", query, _headers(each))


def _matomo_bulk(said: list[Said]) -> Request:
    items = [
        _matomo_said(each) | {"cip": each["address"], "ua": each["agent"]}
        for each in said
    ]
    body = json.dumps({"token_auth": TOKEN, "requests": items}).encode()
    return Request("POST", "/matomo.php", "", _headers(said[0]), body)


def _goatcounter_api(said: list[Said]) -> Request:
    hits = [
        {"path": each["path"], "ref": each["referrer"], "ip": each["address"]}
        | {"user_agent": each["agent"], "title": "Page", "size": [1920, 1080, 1]}
        for each in said
    ]
    headers = _headers(said[0]) | {b"authorization": f"Bearer {TOKEN}".encode()}
    body = json.dumps({"hits": hits}).encode()
    return Request("POST", "/api/v0/count", "", headers, body)


def _each(make: Callable[[Said], Request]) -> Callable[[list[Said]], list[Request]]:
    return lambda said: [make(each) for each in said]


def _by_many(
    make: Callable[[list[Said]], Request],
) -> Callable[[list[Said]], list[Request]]:
    return lambda said: [make(said[at : at + MANY]) for at in range(0, len(said), MANY)]


FORMATS: dict[str, Callable[[list[Said]], list[Request]]] = {
    OURS: _each(_plausible),
    "GoatCounter's pixel": _each(_pixel),
    "Umami": _each(_umami),
    "Umami, a hundred at once": _by_many(_umami_batch),
    "Matomo": _each(_matomo),
    "Matomo with a token, a hundred at once": _by_many(_matomo_bulk),
    "GoatCounter's API, a hundred at once": _by_many(_goatcounter_api),
}

if __name__ == "__main__":
    main()
