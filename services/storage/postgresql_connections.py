"""The connections of a ledger on PostgreSQL, kept from one unit of work to the next.

SQLAlchemy's pool looks after a connection before and after each use, which takes as long as a short unit itself.
So who served well is handed on as it stands; who did not goes back to the pool, which undoes what is open or makes a
new one.
"""

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.storage.postgresql_faults import Kind, UnknownOutcome, kind_of

T = TypeVar("T")


class Mode(Enum):
    """How transactions begin: their isolation, and whether they may only read."""

    UNIT = ("READ COMMITTED", False)
    MOMENT = ("REPEATABLE READ", True)  # all statements see one moment of what is committed
    SINGLE = ("AUTOCOMMIT", False)  # each statement by itself


class Connections:
    """Those of one engine: no more are in use at once than it may have, which its user sees to."""

    def __init__(self, engine: AsyncEngine) -> None:
        """Connect when needed; belongs to the event loop that first uses it."""
        self._engine = engine
        self._idle: list[AsyncConnection] = []  # outside of any transaction

    async def run(self, work: Callable[[Connection], T], *, mode: Mode) -> T:
        """Run `work`, which ends the transaction that it began; raises what it raises, and then all is undone."""
        connection = await self._take()
        try:
            answer = await connection.run_sync(_run, mode, work)
        except BaseException as fault:
            try:
                await give_up(connection, fault)
                if kind_of(fault) is Kind.LOST:
                    await self._distrust(fault)
            finally:
                await asyncio.shield(asyncio.ensure_future(connection.close()))  # to the pool
            raise
        self._idle.append(connection)
        return answer

    async def close(self) -> None:
        """Close all that are not in use; nothing can be run afterwards."""
        while self._idle:
            await self._idle.pop().close()
        await self._engine.dispose()

    async def _distrust(self, fault: BaseException) -> None:
        """Drop those at rest: what cut one off may have cut off all, and each would be found out in its turn."""
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.invalidate(fault)
            await connection.close()

    async def _take(self) -> AsyncConnection:
        """Return the one that was used last, of which both sides have most at hand; else a new one."""
        while self._idle:
            connection = self._idle.pop()
            if not _is_closed(connection):
                return connection
            await connection.close()  # the pool replaces it
        return await self._engine.connect()


def refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Have the pool replace what a restart of the server closed, instead of failing with each of them."""
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError


def _run(connection: Connection, mode: Mode, work: Callable[[Connection], T]) -> T:
    isolation, readonly = mode.value
    dialect: Any = connection.dialect
    driver = connection.connection.dbapi_connection
    dialect.set_isolation_level(driver, isolation)
    dialect.set_readonly(driver, readonly)
    return work(connection)


async def give_up(connection: AsyncConnection, fault: BaseException) -> None:
    """Drop a connection that may still be busy after `fault`: giving it back would wait for it."""
    lost = isinstance(fault, UnknownOutcome | asyncio.CancelledError) or kind_of(fault) is Kind.LOST
    if lost and not connection.closed and not connection.invalidated:
        await connection.invalidate(fault)


def _is_closed(connection: AsyncConnection) -> bool:
    assert connection.sync_connection is not None
    driver: Any = connection.sync_connection.connection.driver_connection
    return bool(driver.is_closed())
