"""A real PostgreSQL for tests marked `needs("postgresql")`: one shared by a session, or one to be broken."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import pytest
from sqlalchemy import Connection, make_url

from services.demo.postgresql_server import PostgresServer
from services.storage.migrations import upgrade_by
from services.storage.postgresql import open_async_engine
from services.storage.tables import metadata

T = TypeVar("T")

_TEMPLATE: Final = "migrated"


@dataclass(slots=True)
class Databases:
    """Empty ledgers of one server, at the newest revision."""

    server: PostgresServer
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _shared: str | None = None

    def emptied(self) -> str:
        """Empty the ledger that the tests of a suite use one after the other; return its address."""
        if self._shared is None:
            self._shared = self.new()
        else:
            work(self._shared, _empty)
        return self._shared

    def new(self, *, migrated: bool = True) -> str:
        """Create an empty ledger; return its address, the value of `RELAY_LEDGER__URL`."""
        template = _TEMPLATE if migrated else "template1"
        return self.server.create(f"ledger_{next(self._numbers)}", template=template)


def _empty(connection: Connection) -> None:
    """Drop all rows: for the few of a test this takes a tenth of the time of TRUNCATE, or of another database."""
    tables = [table.name for table in reversed(metadata.sorted_tables)]
    deletes = " ".join(f"DELETE FROM {name};" for name in tables)  # names of the code
    serials = "ALTER SEQUENCE outbox_id_seq RESTART; ALTER SEQUENCE audit_id_seq RESTART;"
    connection.exec_driver_sql(f"DO $$ BEGIN {deletes} {serials} END $$")
    connection.commit()


def work(url: str, unit: Callable[[Connection], T]) -> T:
    """Run `unit` on a connection of its own; it ends its transactions itself."""

    async def run() -> T:
        engine = open_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), connections=None)
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(unit)
        finally:
            await engine.dispose()

    return asyncio.run(run())


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Databases]:
    """A server that all tests of this process share, each with a ledger of its own; never stop it."""
    with PostgresServer(durable=False) as server:
        work(server.create(_TEMPLATE), upgrade_by)
        yield Databases(server)


@pytest.fixture(scope="session")
def new_postgresql() -> Iterator[Path]:
    """The folder of a server that nothing was done with."""
    with PostgresServer() as server:
        server.stop()
        yield server.folder


@pytest.fixture
def own_postgresql(new_postgresql: Path) -> Iterator[PostgresServer]:
    """A durable server of this test's own, to be stopped, killed and paused."""
    with PostgresServer(like=new_postgresql) as server:
        yield server
