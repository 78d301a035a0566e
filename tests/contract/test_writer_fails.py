"""A fault of ours in the ledger's writer ends the process: without it nobody would be answered, for ever.

So does a disk that fails to keep what was committed: nobody can tell what of it is there.
"""

import sqlite3
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import asyncio, os, sys
from pathlib import Path
from services.storage.sqlite import SqliteLedger

class Fault(BaseException):
    pass

def keep(connection):
    connection.exec_driver_sql("create table kept (n)")

def keep_too(connection):
    connection.exec_driver_sql("create table perhaps (n)")

def lose(connection):
    connection.exec_driver_sql("create table lost (n)")
    raise Fault("in the writer")

def broken(handle):
    raise OSError(5, "Input/output error")

async def main():
    ledger = SqliteLedger(Path(sys.argv[1]))
    await ledger.write(keep)
    print("kept", flush=True)
    if sys.argv[2] == "disk":
        os.fdatasync = broken
    await ledger.write({"fault": lose, "disk": keep_too, "none": keep}[sys.argv[2]])

try:
    asyncio.run(main())
except BaseException as fault:
    print("raised", type(fault).__name__, flush=True)
print("went on", flush=True)
"""


def _run(path: Path, what: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(path), what],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _tables(path: Path) -> list[str]:
    with sqlite3.connect(path) as connection:
        return [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]


def test_a_fault_in_the_writer_ends_the_process_with_status_70_and_undoes_only_what_was_open(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.db"
    ended = _run(path, "fault")
    assert ended.returncode == 70
    assert ended.stdout == "kept\n"  # nobody went on, nobody was answered
    assert "Fault: in the writer" in ended.stderr
    assert _tables(path) == ["kept"]


def test_what_a_unit_raises_belongs_to_its_caller_and_the_process_goes_on(tmp_path: Path) -> None:
    ended = _run(tmp_path / "ledger.db", "none")  # the table is there already: the unit fails
    assert ended.returncode == 0
    assert ended.stdout.endswith("went on\n")


def test_a_disk_that_keeps_nothing_ends_the_process_and_answers_nobody(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ended = _run(path, "disk")
    assert ended.returncode == 70
    assert ended.stdout == "kept\n"
    assert "Input/output error" in ended.stderr
    assert "kept" in _tables(path)
