"""An empty ledger for each test: migrated once, then copied."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.storage.migrations import upgrade
from services.storage.sqlite import SqliteLedger, open_engine


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger at the newest revision, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "ledger.sqlite3"
    engine = open_engine(path)
    upgrade(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture
def path(migrated: Path, tmp_path: Path) -> Path:
    """The file of an empty ledger."""
    return Path(shutil.copy(migrated, tmp_path / "ledger.sqlite3"))


@pytest.fixture
async def ledger(path: Path) -> AsyncIterator[SqliteLedger]:
    """An empty ledger."""
    opened = SqliteLedger(path)
    yield opened
    await opened.close()
