"""Load: requests over several connections at once, and what was answered."""

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from support.pace import PACE

Headers = Mapping[str, str | bytes]
# After a failure: while nobody answers, asking again is the most that there is to do.
PAUSE_SECONDS = 0.05
SENTENCE = re.compile(r"This page has been seen (\d+) times\.")


@dataclass
class Answers:
    """The numbers that were stated, and how many requests got none."""

    numbers: list[int] = field(default_factory=list)
    failures: int = 0


def stated(text: str) -> int:
    """The number in the sentence."""
    match = SENTENCE.fullmatch(text)
    assert match, text
    return int(match.group(1))


class Connection:
    """One keep-alive connection that counts views."""

    def __init__(self, url: str) -> None:
        self._http = HTTPConnection(urlsplit(url).netloc, timeout=30 * PACE)

    def view(self, headers: Headers) -> tuple[int, str]:
        """Ask for the page; returns status and text."""
        self._http.putrequest("GET", "/", skip_accept_encoding=True)
        for name, text in headers.items():
            self._http.putheader(name, text)
        self._http.endheaders()
        response = self._http.getresponse()
        return response.status, response.read().decode()

    def close(self) -> None:
        self._http.close()


def replay(url: str, requests: Iterable[Headers], connections: int) -> list[int]:
    """Send all requests over so many connections; returns the numbers stated.

    Raises AssertionError for any answer but 200.
    """
    waiting = iter(requests)
    turn = threading.Lock()

    def send() -> list[int]:
        connection = Connection(url)
        numbers: list[int] = []
        while True:
            with turn:
                headers = next(waiting, None)
            if headers is None:
                connection.close()
                return numbers
            status, text = connection.view(headers)
            assert status == 200, (status, text, headers)
            numbers.append(stated(text))

    with ThreadPoolExecutor(connections) as pool:
        senders = [pool.submit(send) for _ in range(connections)]
    return [number for sender in senders for number in sender.result()]


@contextmanager
def under_load(url: str, connections: int) -> Iterator[Answers]:
    """Views without pause while the body runs; failures are noted and sent on from."""
    answers, stopped = Answers(), threading.Event()

    def send() -> None:
        connection = Connection(url)
        while not stopped.is_set():
            try:
                status, text = connection.view({})
            except (OSError, HTTPException):
                connection.close()
                status, text = 0, ""
            if status == 200:
                answers.numbers.append(stated(text))
            else:
                answers.failures += 1
                stopped.wait(PAUSE_SECONDS)
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(connections)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
