"""What is sent is nested only so deep, whoever reads it and writes of it."""

import sys
from collections.abc import Iterator

import pytest

from page_tracker.history.formats import FORMATS
from page_tracker.hits.hit import Sender
from page_tracker.nesting import DEEPEST, shallow
from page_tracker.protocols import PROTOCOLS
from page_tracker.protocols.request import NothingToCountError, Request

SENDER = Sender("192.0.2.7", "Mozilla/5.0")
TOKEN = {b"authorization": b"Bearer pt_0123456789_" + b"a" * 48}
EVENT = '{"n":"x","u":"https://a.example/","d":"a.example",HERE}'
UMAMI = '{"type":"event","payload":{"website":"a","url":"/","name":"x",HERE}}'
MATOMO = '{"requests":[{"idsite":"a","rec":1,HERE}]}'
LINE = '{"ip":"192.0.2.7","request":"GET / HTTP/1.1","status":200,"time":DEEP}'


def bodies() -> Iterator[tuple[str, str]]:
    """Paths, and what is sent there: something `DEEP` that is written of once read."""
    for part in ('{"amount":DEEP,"currency":"EUR"}', '{"amount":1,"currency":DEEP}'):
        yield "/api/event", EVENT.replace("HERE", f'"$":{part}')
    for part in ('{"k":DEEP}', '{"revenue":DEEP}', "DEEP"):
        yield "/api/send", UMAMI.replace("HERE", f'"data":{part}')
        yield "/api/batch", "[" + UMAMI.replace("HERE", f'"data":{part}') + "]"
    for part in ('"url":DEEP', '"cvar":{"1":["a",DEEP]}'):
        yield "/matomo.php", MATOMO.replace("HERE", part)
    yield "/api/v0/count", '{"hits":[{"path":"/","size":DEEP}]}'


def nested(depth: int) -> tuple[str, str]:
    return "[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth


# Parsers stop where the stack does: what is written of their last depths has no room.
NEAR = range(sys.getrecursionlimit() - 130, sys.getrecursionlimit())


@pytest.mark.parametrize(("path", "body"), tuple(bodies()))
def test_however_deep_a_body_is_nested_it_is_read_or_refused(
    path: str, body: str
) -> None:
    for depth in (1, DEEPEST, *NEAR):
        for deep in nested(depth):
            sent = Request("POST", path, "", TOKEN, body.replace("DEEP", deep).encode())
            try:
                PROTOCOLS[path].decode(sent, SENDER)
            except NothingToCountError as nothing:
                assert depth == 1 or nothing.answer.status in (200, 400)


def test_however_deep_a_line_is_nested_it_is_malformed() -> None:
    for depth in NEAR:
        for deep in nested(depth):
            line = LINE.replace("DEEP", deep)
            assert FORMATS["nginx-json"].read(line) is None
            assert FORMATS["nginx-json"].lacks(line)


@pytest.mark.parametrize("deep", nested(DEEPEST))
def test_the_bound_is_inclusive_and_of_brackets_that_are_no_text(deep: str) -> None:
    in_text = '"' + "[{" * DEEPEST + '\\"' + "]}" * DEEPEST + '"'
    beside = f"[{in_text},{','.join(nested(DEEPEST - 1))}]"
    for fine in (deep, in_text, beside):
        assert shallow(fine) == fine
        assert shallow(fine.encode()) == fine.encode()
    for more in (f"[{deep}]", f"[{in_text},{deep}]", f'["]]]\ud800",{deep}]'):
        with pytest.raises(ValueError, match="nested"):
            shallow(more)
