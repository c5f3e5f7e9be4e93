"""Checks whether a starting server is ready, with as little code as possible.

The supervisor does it: a client library, which it needs for nothing else, would take
as much memory as the supervisor itself.
"""

import socket
from contextlib import suppress

PROBE_SECONDS = 1.0

_PING = b"PING\r\n"
_LIVEZ = b"GET /livez HTTP/1.0\r\n\r\n"


def redis_answers(path: str) -> bool:
    """Whether the Redis at a Unix socket, one without a password, has all its data."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PROBE_SECONDS)
        with suppress(OSError):
            connection.connect(path)
            return _first_line(connection, _PING).startswith(b"+PONG")
    return False


def web_answers(address: tuple[str, int]) -> bool:
    """Whether the web server there is alive."""
    with suppress(OSError):
        with socket.create_connection(address, PROBE_SECONDS) as connection:
            return b" 200 " in _first_line(connection, _LIVEZ)
    return False


def _first_line(connection: socket.socket, question: bytes) -> bytes:
    """The first line of the answer."""
    connection.sendall(question)
    with connection.makefile("rb") as answer:
        return answer.readline()
