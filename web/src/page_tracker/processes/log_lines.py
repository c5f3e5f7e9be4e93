"""How a line of the log is written: for people or as JSON, with nothing personal.

A failure is written as where in the code it happened, and of which kind; not with its
message, which may hold what somebody has sent: an address, a browser, a page.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType

from page_tracker.processes.log_repeats import say_once
from page_tracker.request_id import CURRENT
from page_tracker.settings import Settings

_Failure = (
    tuple[type[BaseException], BaseException, TracebackType | None]
    | tuple[None, None, None]
)
# asyncio writes callbacks with their arguments, and tasks with their exceptions.
_WITH_VALUES = "asyncio"
_FIRST_VALUE = re.compile(r"[<(\[:\n].*", re.DOTALL)


class People(logging.Formatter):
    """Lines in the format of each process, with the request's id at the end."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(_without_values(record))

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record)
        name = _request_of(record)
        return f"{line} (request {name})" if name else line

    def formatException(self, ei: _Failure) -> str:
        return "".join(_places(ei[1])).rstrip()


class Json(logging.Formatter):
    """A JSON object in each line; `process` is web, writer or serve."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        line = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "process": self._process,
            "pid": record.process,
            "logger": record.name,
            "message": _without_values(record).getMessage(),
        }
        if name := _request_of(record):
            line["request"] = name
        if record.exc_info and record.exc_info[1]:
            line["failure"] = "".join(_places(record.exc_info[1])).rstrip()
        return json.dumps(line, ensure_ascii=False)


def begin_log(settings: Settings, process: str, people: str) -> None:
    """Write this process's log to standard error; `people` is a line's format."""
    handler = logging.StreamHandler()
    shape(handler, settings, process, logging.Formatter(people))
    logging.basicConfig(level=level_of(settings), handlers=[handler])


def shape(
    handler: logging.Handler,
    settings: Settings,
    process: str,
    people: logging.Formatter,
) -> None:
    """Have a handler write lines as the settings say, and repeated ones once."""
    if settings.log_format == "json":
        handler.setFormatter(Json(process))
    else:
        # pylint: disable-next=protected-access # there is no other way to a format
        handler.setFormatter(People(people._fmt, people.datefmt))
    say_once(handler)


def level_of(settings: Settings) -> str:
    """As `logging` names it."""
    return settings.log_level.upper()


def _request_of(record: logging.LogRecord) -> str:
    return str(getattr(record, "request", "") or CURRENT.get())


def _without_values(record: logging.LogRecord) -> logging.LogRecord:
    if record.name != _WITH_VALUES:
        return record
    message = _FIRST_VALUE.sub("", record.getMessage())
    changes = {"msg": message, "args": None}
    return logging.makeLogRecord({**record.__dict__, **changes})


def _places(error: BaseException | None) -> Iterator[str]:
    """Where it was raised, after what had caused it."""
    if error is None:
        return
    yield from _places(
        error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    )
    yield from traceback.format_tb(error.__traceback__)
    yield f"{type(error).__module__}.{type(error).__qualname__}\n"
