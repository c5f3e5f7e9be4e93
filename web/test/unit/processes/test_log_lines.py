"""A line of the log: for people or as JSON, and nothing personal in either."""

import json
import logging
import sys

import pytest

from page_tracker.processes.log_lines import Json, People
from page_tracker.request_id import CURRENT, chosen

MARKED = "198.51.100.77 Zq7Marked /private/page"
FORMATS = {"text": People("writer: %(message)s"), "json": Json("writer")}


def record(message: str, *arguments: object, name: str = "ours") -> logging.LogRecord:
    failure = sys.exc_info()
    found = failure if failure[0] else None
    return logging.LogRecord(
        name, logging.ERROR, "a.py", 1, message, arguments, found, "f"
    )


def failed() -> logging.LogRecord:
    try:
        try:
            int(MARKED)
        except ValueError as error:
            raise KeyError(MARKED) from error
    except KeyError:
        return record("%s failed", "a look")
    raise AssertionError("it did not fail")


@pytest.mark.parametrize("kind", FORMATS)
def test_a_failure_is_its_kind_and_place_without_what_it_was_about(kind: str) -> None:
    line = FORMATS[kind].format(failed())

    assert "a look failed" in line
    assert "builtins.ValueError" in line and "builtins.KeyError" in line
    assert __file__ in line and "in failed" in line
    assert not [word for word in MARKED.split() if word in line]


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    "message",
    [
        "Exception in callback partial(answer, {secret})\nhandle: <Handle {secret}>",
        "Task exception was never retrieved\nfuture: <Task ValueError('{secret}')>",
    ],
)
def test_what_asyncio_says_of_values_is_left_out(kind: str, message: str) -> None:
    text = message.format(secret=MARKED)
    line = FORMATS[kind].format(record(text, name="asyncio"))

    assert message[:20] in line
    assert not [word for word in MARKED.split() if word in line]


def test_a_line_of_json_is_one_object_whatever_is_in_it() -> None:
    line = FORMATS["json"].format(record('two\nlines, "quoted" %d', 7))

    assert "\n" not in line
    assert json.loads(line).items() >= {
        ("level", "error"),
        ("process", "writer"),
        ("logger", "ours"),
        ("message", 'two\nlines, "quoted" 7'),
    }


def test_a_line_has_the_id_of_the_request_that_it_is_about() -> None:
    token = CURRENT.set("4bf92f35")
    try:
        lines = {kind: each.format(record("slow")) for kind, each in FORMATS.items()}
    finally:
        CURRENT.reset(token)

    assert lines["text"] == "writer: slow (request 4bf92f35)"
    assert json.loads(lines["json"])["request"] == "4bf92f35"
    assert FORMATS["text"].format(record("slow")) == "writer: slow"


def test_an_id_is_a_proxy_s_or_a_new_one() -> None:
    assert chosen("4bf92f35-77b34da6", is_trusted=True) == "4bf92f35-77b34da6"
    assert chosen("4bf92f35-77b34da6", is_trusted=False) != "4bf92f35-77b34da6"
    for odd in ("", "two words", "4bf92f35\n", "x" * 65, "1.2.3.4:8080", "échantillon"):
        assert chosen(odd, is_trusted=True) != odd
