"""Copies of the ledger's file: taken while the relay runs, checked, and put back while it does not."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from services.storage.inspection import Inspected, Unusable, inspect
from services.storage.sqlite_file import lock_file

Progress = Callable[[int, int], None]  # pages copied, pages in all

_PAGES_A_STEP: Final = 2_000


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


def restore(source: Path, target: Path, *, progress: Progress, overwrite: bool = False) -> Inspected:
    """Make the copy `source` the ledger `target` and return what was checked there.

    Raises `Unusable` (damaged, or of another revision; `target` is untouched), `FileExistsError`, `OSError`,
    and `Misconfigured` while a relay has `target` open.
    """
    _refuse_existing(target, overwrite=overwrite)
    inspect(source)
    lock = lock_file(target)
    try:
        return _copy_whole(source, target, progress=progress, pages=_PAGES_A_STEP)
    finally:
        os.close(lock)


def _refuse_existing(target: Path, *, overwrite: bool) -> None:
    if target.exists() and not overwrite:
        raise FileExistsError(str(target))


def _copy_whole(source: Path, target: Path, *, progress: Progress, pages: int) -> Inspected:
    partial = target.with_name(f"{target.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        _copy(source, partial, progress=progress, pages=pages)
        inspected = inspect(partial)
        _sync(partial)
        for rest in ("-wal", "-shm"):  # of what was there before: SQLite would play it into the new file
            target.with_name(target.name + rest).unlink(missing_ok=True)
        partial.replace(target)
        _sync(target.parent)
    finally:
        partial.unlink(missing_ok=True)
    return inspected


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
