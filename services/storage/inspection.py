"""What can be said of a ledger without its services: readable, whole, at which revision, until when."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, delete, func, select

from services.storage.migrations import OLDEST_CODE, Standing
from services.storage.statements import insert_once
from services.storage.tables import audit, counters, receipts


class Unusable(Exception):
    """The file is no ledger that this relay can use; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """A file that holds a whole ledger."""

    revision: str
    pages: int
    page_size: int  # bytes

    @property
    def size(self) -> int:
        """Return the size of the ledger in bytes."""
        return self.pages * self.page_size


def inspect(path: Path, *, thorough: bool = True) -> Inspected:
    """Read a ledger's file and return what it is; the file is not changed.

    `thorough` reads every page and every index (seconds for a gigabyte). Raises `Unusable`: missing, not
    SQLite, damaged, or at a revision that this relay cannot run over.
    """
    try:
        connection = _open_to_read(path)
        try:
            _check(connection, "integrity_check" if thorough else "quick_check(1)")
            standing = _standing(connection)
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            page_size = connection.execute("PRAGMA page_size").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.Error as fault:
        raise Unusable(f"cannot be read as a ledger: {fault}") from fault
    if reason := standing.unfit():
        raise Unusable(reason)
    return Inspected(revision=str(standing.revision), pages=pages, page_size=page_size)


def standing_of(path: Path) -> Standing:
    """Return how far a ledger's file has been migrated. Raises `Unusable` as `inspect`."""
    try:
        connection = _open_to_read(path)
        try:
            return _standing(connection)
        finally:
            connection.close()
    except sqlite3.Error as fault:
        raise Unusable(f"cannot be read as a ledger: {fault}") from fault


def try_to_write(path: Path, *, wait: timedelta = timedelta(seconds=5)) -> None:
    """Take and give back the right to write, waiting for a writer at most `wait`; raises `Unusable`."""
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=wait.total_seconds(),
            isolation_level=None,
        )
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        finally:
            connection.close()
    except sqlite3.Error as fault:
        raise Unusable(f"cannot be written: {fault}") from fault


def newest(connection: Connection) -> datetime | None:
    """Return the time of the newest receipt or act; None in an empty ledger."""
    received = connection.execute(select(func.max(receipts.c.received_at))).scalar()
    done = connection.execute(select(func.max(audit.c.at))).scalar()
    return max((at for at in (received, done) if at is not None), default=None)


def take_a_transaction(connection: Connection) -> None:
    """Write a row and take it back, as a unit of work: it raises where nothing can be written."""
    connection.execute(insert_once(connection, counters), {"name": "doctor", "value": 0})
    connection.execute(delete(counters).where(counters.c.name == "doctor"))


def _open_to_read(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise Unusable("is not there")
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)


def _check(connection: sqlite3.Connection, pragma: str) -> None:
    found = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
    if found != "ok":
        raise Unusable(f"is damaged: {found.splitlines()[0]}")


def _standing(connection: sqlite3.Connection) -> Standing:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    if known is None:
        return Standing(revision=None)
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is None:
        return Standing(revision=None)
    oldest = connection.execute(OLDEST_CODE).fetchone()
    return Standing(revision=str(row[0]), oldest_code=0 if oldest is None else oldest[0])
