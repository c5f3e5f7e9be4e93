"""What a hit costs the front door, by the fast path and by uvicorn's own way.

    python bench/door.py [--rounds 7] [--hits 5000]

One connection, whose client sends a browser's hit as soon as the last one is answered,
all in this process and without a store: so it is the reading and the answering of a
request alone. Prints the medians of the rounds' processor time for each hit, the client
included, which costs both the same.
"""

import argparse
import asyncio
import socket
import statistics
import time
from collections.abc import Callable
from typing import Any

import uvloop
from uvicorn.config import Config
from uvicorn.server import ServerState

from page_tracker.protocols.request import Answer, Request
from page_tracker.web.door import connection
from page_tracker.web.door.connection import Connection
from page_tracker.web.door.fast_path import whole_request

BODY = b'{"n":"pageview","u":"https://example.org/blog/a","d":"example.org","r":null}'
HIT = (
    b"POST /api/event HTTP/1.1\r\nHost: stats.example.com\r\nConnection: keep-alive\r\n"
    b"Content-Length: %d\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0)"
    b" Gecko/20100101 Firefox/145.0\r\nContent-Type: text/plain\r\nAccept: */*\r\n"
    b"Origin: https://example.org\r\nReferer: https://example.org/\r\n"
    b"Accept-Language: de,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n\r\n%b"
) % (len(BODY), BODY)
ANSWER = Answer(202, ((b"content-length", b"2"),), b"ok")


class App:
    """Answers everything at once, either way."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        headers = list(ANSWER.headers)
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": ANSWER.body})

    def takes(self, _path: str) -> bool:
        return True

    def longest_body(self, _path: str) -> int:
        return 1_000_000

    def answer_soon(
        self, _request: Request, _client: Any, tell: Callable[[Answer], None]
    ) -> None:
        tell(ANSWER)


async def cost(hits: int) -> float:
    """Microseconds of processor time for each hit of one connection."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    config, state = (
        Config(App(), access_log=False, proxy_headers=False, interface="asgi3"),
        ServerState(),
    )
    config.load()

    def made() -> Connection:
        return Connection(config=config, server_state=state, app_state={}, _loop=loop)

    transport, _ = await loop.create_connection(made, sock=theirs)
    began = time.process_time()
    for _ in range(hits):
        await loop.sock_sendall(ours, HIT)
        await loop.sock_recv(ours, 4096)
    spent = time.process_time() - began
    transport.close()
    ours.close()
    return spent / hits * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--hits", type=int, default=5000)
    options = parser.parse_args()
    ways: dict[str, Any] = {"fast": whole_request, "uvicorn's": lambda _: None}
    costs: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(options.rounds):
        for way, read in ways.items():
            connection.whole_request = read
            costs[way].append(uvloop.run(cost(options.hits)))
    for way, found in costs.items():
        median, low, high = statistics.median(found), min(found), max(found)
        print(f"{way}: {median:.1f} µs a hit ({low:.1f}-{high:.1f})")
    began = time.process_time()
    for _ in range(20_000):
        whole_request(HIT)
    print(f"reading alone: {(time.process_time() - began) / 20_000 * 1e6:.1f} µs")


if __name__ == "__main__":
    main()
