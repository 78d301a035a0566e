"""The ledger's file on SQLite: how it is opened and held, and its write-ahead log."""

import asyncio
import fcntl
import os
import sqlite3
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from services.errors import Misconfigured

log = structlog.get_logger(__name__)

_BUSY_FOR: Final = 5.0  # seconds that a command beside the relay may hold the file
_BUSY_PAUSE: Final = 0.005
_STATEMENTS: Final = 512  # kept prepared; the relay has about 200, some for several lengths of a list
_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA busy_timeout=5000",
    "PRAGMA foreign_keys=ON",
    "PRAGMA wal_autocheckpoint=0",
    "PRAGMA cache_size=-32000",
    "PRAGMA temp_store=MEMORY",
)


def open_engine(path: Path) -> Engine:
    """Return an engine whose connections leave transactions to their user."""
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=NullPool,
        connect_args={"check_same_thread": False, "isolation_level": None, "cached_statements": _STATEMENTS},
    )

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in _PRAGMAS:
            connection.execute(pragma)

    event.listen(engine, "connect", prepare)
    return engine


def driver_of(connection: Connection) -> sqlite3.Connection:
    """Return the driver's own connection."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # the engine above opens no other
    return driver


def lock_file(path: Path) -> int:
    """Hold the file against a second process, until the returned handle is closed.

    Two writers would each think that they are the only one. `Misconfigured`: another process has it.
    """
    handle = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        os.close(handle)
        raise Misconfigured("RELAY_LEDGER__PATH", f"{path} is in use by another relay process") from fault
    return handle


def open_log(path: Path, driver: sqlite3.Connection) -> int:
    """Open the write-ahead log, made where there is none yet; SQLite keeps it for as long as a connection is open."""
    driver.execute("BEGIN IMMEDIATE")
    driver.execute("COMMIT")
    return os.open(f"{path}-wal", os.O_RDONLY | os.O_CLOEXEC)


def take_in_log(connection: Connection) -> int:
    """Copy the log into the file, as far as no reader needs it; return how many pages the log has."""
    try:
        _busy, pages, _copied = connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").one()
    except DBAPIError:  # nothing is lost, and it is tried again
        log.warning("the log could not be taken into the file", exc_info=True)
        return 0
    return int(pages)


async def begin(driver: sqlite3.Connection) -> None:
    """Begin to write, as soon as no command beside the relay does."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _BUSY_FOR
    while True:
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as fault:
            if fault.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or loop.time() > until:
                raise
        else:
            return
        await asyncio.sleep(_BUSY_PAUSE)
