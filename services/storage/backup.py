"""Copies of the ledger's file: taken while the relay runs, checked, and put back while it does not."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from services.storage.inspection import Inspected, Unusable, inspect
from services.storage.outliving import Mark, Mended, Outlived, mark_of, outlived
from services.storage.sqlite_file import lock_file, open_engine

T = TypeVar("T")
Progress = Callable[[int, int], None]  # pages copied, pages in all
Mend = Callable[[Connection, Outlived | None], Mended]

_PAGES_A_STEP: Final = 2_000
_LOGS: Final = ("-wal", "-shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What became of the ledger."""

    whole: Inspected
    kept: Path | None  # where what was replaced is; None: there was nothing
    since: datetime | None  # the newest moment in the copy
    mended: Mended
    unread: str | None  # why nothing was carried over from what was replaced


def back_up(
    source: Path, target: Path, *, progress: Progress, overwrite: bool = False, pages: int = _PAGES_A_STEP
) -> Inspected:
    """Copy the ledger `source` to `target` and return what was checked there.

    The copy is one moment of the ledger, whatever is written meanwhile; `progress` is called after each `pages`.
    `target` appears whole or not at all.
    Raises `Unusable` (the source, or the copy, is no whole ledger), `FileExistsError`, `OSError`.
    """
    _refuse_existing(target, overwrite=overwrite)
    if not source.is_file():
        raise Unusable("is not there")
    return _copy_whole(source, target, progress=progress, pages=pages)


def restore(
    source: Path, target: Path, *, progress: Progress, mend: Mend, now: datetime, overwrite: bool = False
) -> Restored:
    """Make the copy `source` the ledger `target`; what was there is kept beside it.

    `mend` gives the copy what must outlive a restore (`services.storage.outliving`), before it takes the place.
    Raises `Unusable` (damaged, or of another revision; `target` is untouched), `FileExistsError`, `OSError`,
    and `Misconfigured` while a relay has `target` open.
    """
    _refuse_existing(target, overwrite=overwrite)
    inspect(source)
    lock = lock_file(target)
    partial = _partial(target)
    try:
        _copy(source, partial, progress=progress, pages=_PAGES_A_STEP)
        since = _within(partial, mark_of)
        found, unread = _outlived(target, since=since)
        mended = _within(partial, lambda connection: mend(connection, found))
        whole = inspect(partial)
        _sync(partial)
        kept = _keep(target, now=now) if target.exists() else None
        _take_place(partial, target)
    finally:
        _remove(partial)
        os.close(lock)
    return Restored(whole=whole, kept=kept, since=since.at, mended=mended, unread=unread)


def _refuse_existing(target: Path, *, overwrite: bool) -> None:
    if target.exists() and not overwrite:
        raise FileExistsError(str(target))


def _copy_whole(source: Path, target: Path, *, progress: Progress, pages: int) -> Inspected:
    partial = _partial(target)
    try:
        _copy(source, partial, progress=progress, pages=pages)
        inspected = inspect(partial)
        _sync(partial)
        _take_place(partial, target)
    finally:
        _remove(partial)
    return inspected


def _partial(target: Path) -> Path:
    partial = target.with_name(f"{target.name}.partial")
    _remove(partial)
    return partial


def _take_place(partial: Path, target: Path) -> None:
    for log in _LOGS:  # of what was there before: SQLite would play it into the new file
        _beside(target, log).unlink(missing_ok=True)
    partial.replace(target)
    _sync(target.parent)


def _remove(path: Path) -> None:
    for file in (path, *(_beside(path, log) for log in _LOGS)):
        file.unlink(missing_ok=True)


def _beside(path: Path, log: str) -> Path:
    return path.with_name(path.name + log)


def _outlived(target: Path, *, since: Mark) -> tuple[Outlived | None, str | None]:
    """Return what the ledger that is replaced says, or why it says nothing."""
    try:
        inspect(target)
        found = _within(target, lambda connection: outlived(connection, since=since))
    except Unusable as fault:
        return None, str(fault)
    except DBAPIError as fault:
        return None, f"cannot be read: {type(fault.orig).__name__}"
    return found, None if found is not None else "does not go back to this copy"


def _within(path: Path, unit: Callable[[Connection], T]) -> T:
    """Run one unit of work on a file; who closes it last takes its log in."""
    engine = open_engine(path)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            answer = unit(connection)
            connection.exec_driver_sql("COMMIT")
    finally:
        engine.dispose()
    return answer


def _keep(target: Path, *, now: datetime) -> Path:
    """Give what is replaced a second name, its log too; `target` is there all the while."""
    kept = target.with_name(f"{target.name}.replaced-{now:%Y%m%dT%H%M%SZ}")
    log = _beside(target, "-wal")
    if log.exists():  # of a ledger that could not be read: SQLite took in that of a whole one
        _beside(kept, "-wal").touch(mode=0o600)
        shutil.copyfile(log, _beside(kept, "-wal"))
    kept.hardlink_to(target)
    kept.chmod(0o600)  # it holds what is above TLP:GREEN
    _sync(target.parent)
    return kept


def _copy(source: Path, target: Path, *, progress: Progress, pages: int) -> None:
    """Copy page by page within one read transaction: without it every commit would start the copy afresh."""

    def report(_status: int, remaining: int, total: int) -> None:
        progress(total - remaining, total)

    target.touch(mode=0o600)  # it holds what is above TLP:GREEN
    try:
        reading = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        with closing(reading), closing(sqlite3.connect(target, isolation_level=None)) as writing:
            reading.execute("BEGIN")
            reading.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the moment of the copy
            reading.backup(writing, pages=pages, progress=report, sleep=0)
            reading.execute("ROLLBACK")
            writing.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
    except sqlite3.Error as fault:
        raise Unusable(f"cannot be copied: {fault}") from fault


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
