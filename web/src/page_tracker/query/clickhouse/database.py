"""A ClickHouse server that answers questions, by clickhouse-connect.

Each question of an asker is one statement, and some run at once. The server itself
stops what takes too long; what nobody waits for is stopped by its id.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError
from msgspec.structs import replace

from page_tracker.query.clickhouse.dialect import SETTINGS, value_of
from page_tracker.query.clickhouse.filled import files_filled
from page_tracker.query.clickhouse.refusals import refusal
from page_tracker.query.clickhouse.tables import ServerTables
from page_tracker.query.concurrency import AT_ONCE, Turns
from page_tracker.query.lake_state import LakeState
from page_tracker.query.problem import (
    FilesGoneError,
    QuestionTooCostlyError,
    nobody_waits,
)
from page_tracker.query.runner import Result
from page_tracker.query.shared_rows import Ask
from page_tracker.query.sql import Statement
from page_tracker.query.time_budget import TimeBudget
from page_tracker.query.timers import AGAIN, Timers
from page_tracker.settings_parsing import ServerAddress

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

CONNECT_SECONDS = 3
# The server stops a question by itself; then its answer is on its way.
ON_ITS_WAY = 5


class Server:
    """A connection to a server, made with its first statement; safe to use from many
    threads.

    Methods raise QuestionTooCostlyError, FilesGoneError, or LakeAwayError in words.
    """

    def __init__(self, address: ServerAddress, longest: float) -> None:
        """`longest` is how many seconds a statement may take."""
        self._address = address
        self._longest = longest
        self._lock = threading.Lock()
        self._client: Client | None = None

    def rows(
        self, sql: str, values: dict[str, object] | None = None, **settings: Any
    ) -> list[tuple[object, ...]]:
        """All rows of a statement."""
        given = {name: value_of(value) for name, value in (values or {}).items()}
        with self._named():
            found = self._connected().query(
                sql, parameters=given, settings={**SETTINGS, **settings}
            )
        return [tuple(row) for row in found.result_rows]

    def do(self, sql: str) -> None:
        """Run a statement that changes something."""
        with self._named():
            self._connected().command(sql)

    def stop(self, query: str) -> None:
        """Stop a statement by its id."""
        self.do(f"KILL QUERY WHERE query_id = '{query}' ASYNC")

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Translate the client's errors into ours."""
        try:
            yield
        except ClickHouseError as error:
            code, said = getattr(error, "code", None), str(error)
            raise refusal(self._address.name, code, said, self._longest) from error

    def _connected(self) -> Client:
        with self._lock:
            if self._client is None:
                at = self._address
                self._client = clickhouse_connect.get_client(
                    host=at.host,
                    port=at.port,
                    username=at.user,
                    password=at.password,
                    database=at.database,
                    secure=at.is_encrypted,
                    connect_timeout=CONNECT_SECONDS,
                    send_receive_timeout=int(self._longest) + ON_ITS_WAY,
                    # A session would run one statement after the other.
                    autogenerate_session_id=False,
                    # What is asked about may be longer than an address may be.
                    form_encode_query_params=True,
                )
            return self._client


class ServerSession:
    """Runs the statements of one asker, until `end` by the monotonic clock."""

    def __init__(
        self,
        server: Server,
        tables: ServerTables,
        timers: Timers,
        budget: TimeBudget,
    ) -> None:
        self._server, self._timers, self._budget = server, timers, budget
        self._tables = tables
        # The server has its own memory, and its own way to share it.
        self.max_rows = sys.maxsize
        self.large: Callable[[], AbstractContextManager[None]] = nullcontext
        self._end = time.monotonic() + budget.seconds

    def as_read(self, state: LakeState) -> LakeState:
        """A state of the lake, with how the server reads it now."""
        self._tables = replace(self._tables, filled=files_filled(self._server))
        return replace(state, reader=self._tables)

    def require_still(self) -> None:
        """Raise FilesGoneError where its tables lost files while they were read."""
        if any(self._tables.filled.values()):
            now = files_filled(self._server)
            if any(files - now[name] for name, files in self._tables.filled.items()):
                raise FilesGoneError("they went while they were read")

    def rows(self, asked: Statement) -> list[tuple[object, ...]]:
        """All rows of a statement."""
        query = str(uuid4())

        def look() -> None:
            if not self._budget.is_wanted():
                self._server.stop(query)

        left = max(0.001, self._end - time.monotonic())
        try:
            with self._timers.limiting(look, AGAIN):
                return self._server.rows(
                    asked.sql, asked.values, query_id=query, max_execution_time=left
                )
        except QuestionTooCostlyError as error:
            if self._budget.is_wanted():
                raise
            raise nobody_waits() from error

    def run(self, asks: Iterable[Ask], sources: LakeState) -> dict[Ask, Result]:
        """The rows of each ask's statement, of which some run at once."""
        asked = list(dict.fromkeys(asks))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = list(pool.map(lambda ask: self._result(ask, sources), asked))
        return dict(zip(asked, found))

    def _result(self, ask: Ask, sources: LakeState) -> Result:
        began = time.perf_counter()
        asked = ask.statement(sources.tables(ask.plan), sources.reader.sql)
        compiled = time.perf_counter()
        values = self.rows(asked)
        seconds = {"compile": compiled - began, "run": time.perf_counter() - compiled}
        return Result(ask, asked, values, sources.read_by(ask.plan), seconds)


class ClickHouse:
    """The database that answers questions; `seconds` is how long one may take."""

    def __init__(self, server: Server, tables: ServerTables, seconds: float) -> None:
        self._server, self._tables, self._seconds = server, tables, seconds
        self._turns, self._timers = Turns(), Timers()

    def budget(self, is_wanted: Callable[[], bool] | None = None) -> TimeBudget:
        """A new budget, for one question or a list; `is_wanted` as in TimeBudget."""
        found = TimeBudget(self._seconds, self._seconds)
        return found if is_wanted is None else replace(found, is_wanted=is_wanted)

    @contextmanager
    def session(self, budget: TimeBudget | None = None) -> Iterator[ServerSession]:
        """Run statements under one common limit; raises as `Database.session`."""
        budget = budget or self.budget()
        with self._turns.one_of_some(budget), budget.working():
            session = ServerSession(self._server, self._tables, self._timers, budget)
            yield session
            session.require_still()
