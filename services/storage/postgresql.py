"""The ledger on PostgreSQL: the same units of work, each in a transaction of its own, by asyncpg.

A unit runs in READ COMMITTED and is answered once its commit is on disk. Whatever undid it (a deadlock, a server
that restarts, a lost connection) it is run again, a few times and not for long; then the caller is told to come
back. Every wait is bounded: for a connection, a lock, a statement, the network.
"""

import asyncio
import random
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import URL, Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from services.errors import Invalid, Transient
from services.storage.gate import Gate
from services.storage.outbox import APPENDED, RECORDS
from services.storage.postgresql_connections import Connections, Mode, give_up, refuse_closed
from services.storage.postgresql_faults import Kind, UnknownOutcome, is_unstorable, kind_of, refusal
from services.storage.records import Record
from services.storage.repeating import is_one_statement, is_repeatable

T = TypeVar("T")
Unit = Callable[[Connection], T]

_CONNECT_WITHIN: Final = 5.0  # seconds
_CLOSE_WITHIN: Final = 3.0  # an ending process must end, or nobody starts it afresh
_ANSWER_WITHIN: Final = 20.0  # seconds; above the server's own bounds, for a server that says nothing at all
_SLOW_ANSWER_WITHIN: Final = 300.0  # seconds; audits and exports
_ATTEMPTS: Final = 10  # some five seconds: a server is back within two where nothing else is wrong
_FIRST_PAUSE: Final = 0.05  # seconds, doubled each time
_LONGEST_PAUSE: Final = 1.0
_PATIENCE: Final = timedelta(seconds=30)  # for one unit, however often it is tried
_MOST_WAITING: Final = 2_000
_SLOW_CONNECTIONS: Final = 2
_DRAW: Final = random.SystemRandom()
_SESSION: Final = {
    "application_name": "relay",
    "timezone": "UTC",
    "synchronous_commit": "on",
    "jit": "off",  # compiles for longer than our queries run
    "lock_timeout": "10s",
    # who is halted in the middle of a transaction must not hold its locks
    "idle_in_transaction_session_timeout": "10s",
}


# Of units and short queries, which read whatever grows by index: a plan that was made while a table was empty would
# read it whole until its statistics are taken, and planning each call anew takes as long as running it.
BY_INDEX: Final = {"enable_seqscan": "off", "plan_cache_mode": "force_generic_plan"}


@dataclass(frozen=True, slots=True)
class _Done(Generic[T]):
    """What a committed unit gave."""

    answer: T
    topics: Set[str]
    records: Sequence[Record]


class PostgresLedger:
    """Runs units of work on one database; belongs to the event loop that first uses it.

    After a commit each of `on_commit` is called with the topics that were appended to, and each of `on_append` with
    the records themselves, in the order of appending; `Record.position` is the row's id in the outbox. What such
    a call does not see (the process ended first) is found by `outbox.unpublished`.
    """

    def __init__(self, url: URL, *, connections: int = 8, patience: timedelta = _PATIENCE) -> None:
        """Use at most `connections` for units and short queries, and two more for long ones; connects when used."""
        self.url = url
        self.on_commit: list[Callable[[Set[str]], None]] = []
        self.on_append: list[Callable[[Sequence[Record]], None]] = []
        self._patience = patience.total_seconds()
        self._connections = Connections(open_async_engine(url, connections=connections, session=BY_INDEX))
        self._gate = Gate(connections, most_waiting=_MOST_WAITING, patience=patience)
        self._slow = _SlowReader(url)

    async def write(self, unit: Unit[T], *, first: bool = False, durable: bool = True) -> T:  # noqa: ARG002
        """Run `unit` in a transaction and return what it returned, once that is on disk.

        Units run side by side; those with `first`, for which a sender waits, get three connections of four.
        All are `durable`: to ask for less would cost a round trip more.
        What the unit raises is raised here and undoes it. `Invalid`: a text that cannot be kept. `Transient`: the
        ledger is out of reach or overloaded. Then nothing was kept, except where the connection broke in the very
        commit of a unit that is not marked `repeatable`; asking again is what a caller does either way.
        """
        async with self._gate.place(first=first):
            work = partial(_work, unit)
            done = await self._try(
                lambda: self._connections.run(work, mode=Mode.UNIT), again=is_repeatable(unit)
            )
        if done.records:
            for take in self.on_append:
                take(done.records)
        if done.topics:
            for callback in self.on_commit:
                callback(done.topics)
        return done.answer

    async def read(self, query: Unit[T]) -> T:
        """Run a short query; all its statements see one moment of what is committed. Raises as `write`.

        It gets its connection like a unit for which a sender waits: `services.storage.gate` says why.
        """
        async with self._gate.place(first=True):
            mode = Mode.SINGLE if is_one_statement(query) else Mode.MOMENT
            work = partial(_look, query)
            return await self._try(lambda: self._connections.run(work, mode=mode), again=True)

    async def read_slowly(self, query: Unit[T]) -> T:
        """Run a long query (audit, export) in a thread with connections of its own, so that it holds up nobody."""
        return await self._try(lambda: self._slow.run(query), again=True, within=_SLOW_ANSWER_WITHIN)

    async def close(self) -> None:
        """Close every connection; nothing can be asked afterwards. A server that says nothing is not waited for."""
        await asyncio.to_thread(self._slow.close)
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_WITHIN):
                await self._connections.close()

    async def _try(
        self, attempt: Callable[[], Coroutine[Any, Any, T]], *, again: bool, within: float | None = None
    ) -> T:
        """Attempt until it succeeds, as often and as long as the bounds let; `again` even after a lost commit."""
        pause = _FIRST_PAUSE
        try:
            async with asyncio.timeout(self._patience if within is None else within):
                for left in reversed(range(_ATTEMPTS)):
                    try:
                        return await attempt()
                    except UnknownOutcome as fault:
                        if not again or not left:
                            raise Transient("the ledger was lost while it committed") from fault
                    except Exception as fault:
                        if not left or kind_of(fault) is None:
                            raise
                    await asyncio.sleep(pause * (0.5 + _DRAW.random() / 2))
                    pause = min(pause * 2, _LONGEST_PAUSE)
        except TimeoutError as fault:
            raise Transient("the ledger does not answer") from fault
        except Exception as fault:
            if is_unstorable(fault):
                raise Invalid("unstorable_text", "holds a character that no text may hold") from None
            if (reason := refusal(fault)) is not None:
                raise Transient(reason) from fault
            if kind_of(fault) is not None:
                raise Transient("the ledger is out of reach") from fault
            raise
        raise AssertionError  # the last attempt returns or raises


class _SlowReader:
    """An event loop in a thread of its own, for queries that take long; started by the first of them."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._engine: AsyncEngine | None = None

    async def run(self, query: Unit[T]) -> T:
        """Run a query there, and wait for it here."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="ledger-reader", daemon=True)
            self._thread.start()
            engine = open_async_engine(
                self._url, connections=_SLOW_CONNECTIONS, answer_within=_SLOW_ANSWER_WITHIN
            )
            self._engine = _reader(engine)
        assert self._engine is not None
        asked = asyncio.run_coroutine_threadsafe(_query(self._engine, query), self._loop)
        return await asyncio.wrap_future(asked)

    def close(self) -> None:
        """End the thread; a query that is still running is ended with it."""
        if self._loop is None or self._thread is None or self._engine is None:
            return
        closing = asyncio.run_coroutine_threadsafe(self._engine.dispose(), self._loop)
        with suppress(TimeoutError):
            closing.result(_CLOSE_WITHIN)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = None


def open_async_engine(
    url: URL,
    *,
    connections: int | None,
    answer_within: float = _ANSWER_WITHIN,
    session: Mapping[str, str] = MappingProxyType({}),
) -> AsyncEngine:
    """Return an engine of at most `connections` (None: a new one each time), whose every wait is bounded.

    `session` are settings of the server for its connections.
    """
    statement = f"{int(answer_within * 750)}ms"  # the server gives up first, and says so
    bounds = {
        "timeout": _CONNECT_WITHIN,
        "command_timeout": answer_within,
        "server_settings": {**_SESSION, **session, "statement_timeout": statement},
        "prepared_statement_cache_size": 500,  # more than there are statements
    }
    pool: dict[str, Any] = {"poolclass": NullPool}
    if connections is not None:
        pool = {"pool_size": connections, "max_overflow": 0, "pool_timeout": answer_within}
    engine = create_async_engine(url, connect_args=bounds, hide_parameters=True, **pool)
    event.listen(engine.sync_engine, "checkout", refuse_closed)
    return engine


def _reader(engine: AsyncEngine) -> AsyncEngine:
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _work(unit: Unit[T], connection: Connection) -> _Done[T]:
    """Run a unit and commit; what an earlier one that was undone noted on this connection is forgotten."""
    noted = connection.info
    noted.pop(APPENDED, None)
    noted.pop(RECORDS, None)
    answer = unit(connection)
    try:
        connection.commit()
    except Exception as fault:
        if kind_of(fault) is Kind.LOST:
            raise UnknownOutcome from fault
        raise
    return _Done(answer, noted.pop(APPENDED, frozenset()), noted.pop(RECORDS, ()))


def _look(query: Unit[T], connection: Connection) -> T:
    answer = query(connection)
    connection.rollback()
    return answer


async def _query(engine: AsyncEngine, query: Unit[T]) -> T:
    async with engine.connect() as connection:
        try:
            return await connection.run_sync(query)
        except BaseException as fault:
            await give_up(connection, fault)
            raise
