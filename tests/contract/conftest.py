"""An empty ledger for each test, on both databases: a file migrated once and copied, a database emptied."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.storage.migrations import upgrade
from services.storage.sqlite_file import open_engine
from tests.databases import Ledger, Place, PostgresPlace, SqlitePlace
from tests.deliveries_rig import Rig, open_rig

POSTGRESQL = pytest.param("postgresql", marks=(pytest.mark.integration, pytest.mark.needs("postgresql")))


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file at the newest revision, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "ledger.sqlite3"
    engine = open_engine(path)
    upgrade(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture
def path(migrated: Path, tmp_path: Path) -> Path:
    """The file of an empty ledger, for what only SQLite has."""
    return Path(shutil.copy(migrated, tmp_path / "ledger.sqlite3"))


@pytest.fixture(params=["sqlite", POSTGRESQL])
def place(request: pytest.FixtureRequest) -> Place:
    """An empty ledger on each database."""
    if request.param == "sqlite":
        return SqlitePlace(request.getfixturevalue("path"))
    return PostgresPlace(request.getfixturevalue("postgresql").emptied())


@pytest.fixture
async def ledger(place: Place) -> AsyncIterator[Ledger]:
    """An empty ledger, open."""
    opened = place.open()
    yield opened
    await opened.close()


@pytest.fixture
async def rig(place: Place) -> AsyncIterator[Rig]:
    """A ledger with its deliveries port."""
    opened = open_rig(place)
    yield opened
    await opened.ledger.close()
