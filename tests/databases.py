"""Where a ledger of the tests is: a new SQLite file, or a database of a real PostgreSQL. One suite runs over both."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.storage.postgresql import BY_INDEX, PostgresLedger, open_async_engine
from services.storage.sqlite import SqliteLedger
from services.storage.sqlite_file import open_engine
from services.storage.tables import metadata

T = TypeVar("T")
Ledger = SqliteLedger | PostgresLedger


class Held(Protocol):
    """One connection, used by hand."""

    @property
    def connection(self) -> Connection:
        """The connection, to look at what is there."""
        ...

    def run(self, unit: Callable[[Connection], T]) -> T:
        """Run one unit of work and commit it."""
        ...

    def close(self) -> None:
        """Give the connection back."""
        ...


class Place(Protocol):
    """An empty ledger at the newest revision."""

    def open(self) -> Ledger:
        """Open it as the relay does."""
        ...

    def hold(self) -> Held:
        """Open one connection to it."""
        ...


@dataclass(frozen=True, slots=True)
class SqlitePlace:
    """A file; made with the tables of the code where it is not there yet."""

    path: Path

    def open(self) -> SqliteLedger:
        """Open it as the relay does."""
        self._make()
        return SqliteLedger(self.path)

    def hold(self) -> "SqliteHeld":
        """Open one connection to it."""
        self._make()
        return SqliteHeld(self.path)

    def _make(self) -> None:
        if not self.path.exists():
            engine = open_engine(self.path)
            metadata.create_all(engine)
            engine.dispose()


@dataclass(frozen=True, slots=True)
class PostgresPlace:
    """A database of a server; `url` as in `RELAY_LEDGER__URL`."""

    url: str

    def open(self) -> PostgresLedger:
        """Open it as the relay does."""
        return PostgresLedger(make_url(self.url).set(drivername="postgresql+asyncpg"))

    def hold(self) -> "PostgresHeld":
        """Open one connection to it."""
        return PostgresHeld(self.url)


class SqliteHeld:
    """A connection to a file."""

    def __init__(self, path: Path) -> None:
        self._engine = open_engine(path)
        self.connection = self._engine.connect()

    def run(self, unit: Callable[[Connection], T]) -> T:
        """Run one unit of work and commit it."""
        answer = unit(self.connection)
        self.connection.commit()
        return answer

    def close(self) -> None:
        """Give the connection back."""
        self.connection.close()
        self._engine.dispose()


class PostgresHeld:
    """A connection to a server, kept by an event loop in a thread of its own.

    So a unit that stops half-way (at a barrier, for a lock) stops nobody but itself, and two of them are two
    transactions that really run at once.
    """

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="held connection", daemon=True)
        self._thread.start()
        self._engine: AsyncEngine = open_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"), connections=None, session=BY_INDEX
        )
        self._opened: AsyncConnection = self._wait(self._open())

    @property
    def connection(self) -> Connection:
        """Stands for the connection outside its thread: each statement is run there, its rows are read here."""
        return _Outside(self)  # type: ignore[return-value]  # what a plain function asks of a connection

    def begin(self, unit: Callable[[Connection], T]) -> "asyncio.Future[T] | Any":
        """Start a unit and return a `concurrent.futures.Future` of its answer; nothing is committed."""
        return asyncio.run_coroutine_threadsafe(self._opened.run_sync(unit), self._loop)

    def run(self, unit: Callable[[Connection], T]) -> T:
        """Run one unit of work and commit it."""
        return self._wait(self._run(unit))

    def commit(self) -> None:
        """Commit what was begun."""
        self._wait(self._opened.commit())

    def rollback(self) -> None:
        """Undo what was begun."""
        self._wait(self._opened.rollback())

    def close(self) -> None:
        """Give the connection back and end its thread."""
        self._wait(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self) -> AsyncConnection:
        return await self._engine.connect()

    async def _run(self, unit: Callable[[Connection], T]) -> T:
        answer = await self._opened.run_sync(unit)
        await self._opened.commit()
        return answer

    async def _close(self) -> None:
        await self._opened.close()
        await self._engine.dispose()

    def _wait(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)


class _Outside:
    """A connection seen from another thread."""

    def __init__(self, held: PostgresHeld) -> None:
        self._held = held
        self.dialect = held._engine.dialect  # of the same module
        self.connection = self  # asked for cursors

    def execute(self, statement: Any, params: Any = None) -> Any:
        """Run one statement; the driver has read all its rows when this returns."""
        return self._held.begin(lambda connection: connection.execute(statement, params)).result(60)

    def in_transaction(self) -> bool:
        """Say that one is open: the first statement begins it, there."""
        return True

    def cursor(self) -> "_OutsideCursor":
        """Return a cursor of the driver."""
        return _OutsideCursor(self._held)


class _OutsideCursor:
    """A cursor seen from another thread: what it read is here when a statement has run."""

    def __init__(self, held: PostgresHeld) -> None:
        self._held = held
        self._rows: Sequence[Any] = ()
        self.rowcount = -1

    def execute(self, sql: str, values: Sequence[Any]) -> None:
        def unit(connection: Connection) -> tuple[Sequence[Any], int]:
            if not connection.in_transaction():
                connection.begin()
            cursor = connection.connection.cursor()
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else (), cursor.rowcount

        self._rows, self.rowcount = self._held.begin(unit).result(60)

    def fetchall(self) -> Sequence[Any]:
        return self._rows
