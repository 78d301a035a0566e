"""A copy of the ledger is one moment of it, whole, and goes back only where nothing is lost by mistake."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from services.errors import Misconfigured
from services.storage import migrations
from services.storage.backup import Restored, back_up
from services.storage.backup import restore as restore_copy
from services.storage.inspection import Unusable, inspect, standing_of, try_to_write
from services.storage.outliving import mend
from services.storage.sqlite_file import lock_file, open_engine
from tests.builders import NOW


def quiet(_done: int, _total: int) -> None:
    """Show no progress."""


def restore(source: Path, target: Path, *, overwrite: bool = False) -> Restored:
    mending = partial(mend, prefix="SATA", countries=("UY",), actor="operator", now=NOW)
    return restore_copy(source, target, progress=quiet, mend=mending, now=NOW, overwrite=overwrite)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "relay.sqlite3"
    engine = open_engine(path)
    migrations.upgrade(engine)
    engine.dispose()
    return path


def writer(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    return connection


def write_both(connection: sqlite3.Connection, number: int) -> None:
    """Write one row into each of two tables, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO counters VALUES (?, ?)", (f"n{number}", number))
    connection.execute(
        "INSERT INTO audit (at, actor, act, subject, detail) VALUES (?, 'a', 'b', ?, ?)",
        (number, str(number), "x" * 2000),
    )
    connection.execute("COMMIT")


def rows(path: Path) -> tuple[int, int]:
    with closing(sqlite3.connect(path)) as connection:
        tables = ("counters WHERE name GLOB 'n[0-9]*'", "audit WHERE act = 'b'")
        first, second = (connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables)
        return int(first), int(second)


def test_a_copy_taken_while_the_relay_writes_is_one_moment_of_it(ledger: Path, tmp_path: Path) -> None:
    steps = []
    with closing(writer(ledger)) as connection:
        for number in range(200):
            write_both(connection, number)

        def write_on(done: int, total: int) -> None:
            steps.append((done, total))
            for number in range(10):
                write_both(connection, 1000 * len(steps) + number)

        whole = back_up(ledger, tmp_path / "copy", progress=write_on, pages=20)
    assert len(steps) > 5
    assert steps[-1][0] == steps[-1][1] == whole.pages
    assert rows(tmp_path / "copy") == (200, 200)
    assert rows(ledger) == (200 + 10 * len(steps), 200 + 10 * len(steps))


def test_a_copy_is_one_file_that_only_its_owner_reads(ledger: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    back_up(ledger, folder / "copy", progress=quiet)
    assert [path.name for path in folder.iterdir()] == ["copy"]
    assert (folder / "copy").stat().st_mode & 0o077 == 0


def test_a_copy_replaces_nothing_unless_it_is_told_to(ledger: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").write_text("something else")
    with pytest.raises(FileExistsError):
        back_up(ledger, tmp_path / "copy", progress=quiet)
    back_up(ledger, tmp_path / "copy", progress=quiet, overwrite=True)
    assert inspect(tmp_path / "copy").revision == migrations.HEAD


def test_what_is_restored_is_what_was_copied(ledger: Path, tmp_path: Path) -> None:
    with closing(writer(ledger)) as connection:
        write_both(connection, 1)
        back_up(ledger, tmp_path / "copy", progress=quiet)
        write_both(connection, 2)
    with pytest.raises(FileExistsError):
        restore(tmp_path / "copy", ledger)
    done = restore(tmp_path / "copy", ledger, overwrite=True)
    assert rows(ledger) == (1, 1)
    assert done.kept is not None
    assert rows(done.kept) == (2, 2)
    assert done.kept.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "copy",
        "relay.sqlite3",
        "relay.sqlite3.lock",
        done.kept.name,
    ]


def test_what_is_replaced_is_kept_even_where_it_is_damaged(ledger: Path, tmp_path: Path) -> None:
    with closing(writer(ledger)) as connection:
        for number in range(100):
            write_both(connection, number)
    back_up(ledger, tmp_path / "copy", progress=quiet)
    _scribble(ledger)
    was = ledger.read_bytes()
    done = restore(tmp_path / "copy", ledger, overwrite=True)
    assert rows(ledger) == (100, 100)
    assert done.kept is not None
    assert done.kept.read_bytes() == was
    assert done.unread
    assert done.mended.carried is None


def test_the_log_of_the_old_ledger_is_not_played_into_the_restored_one(ledger: Path, tmp_path: Path) -> None:
    back_up(ledger, tmp_path / "copy", progress=quiet)
    connection = writer(ledger)
    write_both(connection, 1)
    stale = ledger.with_name(f"{ledger.name}-wal").read_bytes()
    connection.close()
    ledger.with_name(f"{ledger.name}-wal").write_bytes(stale)
    restore(tmp_path / "copy", ledger, overwrite=True)
    assert rows(ledger) == (0, 0)


def test_nothing_is_restored_over_a_running_relay(ledger: Path, tmp_path: Path) -> None:
    back_up(ledger, tmp_path / "copy", progress=quiet)
    handle = lock_file(ledger)
    with pytest.raises(Misconfigured, match="RELAY_LEDGER__PATH"):
        restore(tmp_path / "copy", ledger, overwrite=True)
    os.close(handle)


def _cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def _scribble(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(b"\xff" * 8192)


def _age(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'older'")


@pytest.mark.parametrize("spoil", [_cut, _scribble, _age, Path.unlink])
def test_a_spoiled_copy_is_refused_and_the_ledger_stays(
    ledger: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    with closing(writer(ledger)) as connection:
        for number in range(100):
            write_both(connection, number)
    back_up(ledger, tmp_path / "copy", progress=quiet)
    spoil(tmp_path / "copy")
    with pytest.raises(Unusable):
        restore(tmp_path / "copy", ledger, overwrite=True)
    assert rows(ledger) == (100, 100)
    assert not list(tmp_path.glob("*.partial"))


def test_what_is_no_ledger_is_not_copied(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("no database " * 1000)
    for name in ("notes", "nothing"):
        with pytest.raises(Unusable):
            back_up(tmp_path / name, tmp_path / "copy", progress=quiet)
    assert not (tmp_path / "copy").exists()


def test_a_ledger_is_inspected_without_changing_it(ledger: Path) -> None:
    before = ledger.read_bytes()
    found = inspect(ledger)
    assert found.size == len(before)
    assert standing_of(ledger).revision == migrations.HEAD
    try_to_write(ledger)
    assert ledger.read_bytes() == before


def test_a_ledger_that_somebody_writes_for_long_cannot_be_written(ledger: Path) -> None:
    with closing(writer(ledger)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unusable, match="written"):
            try_to_write(ledger, wait=timedelta(milliseconds=10))
        connection.execute("ROLLBACK")
