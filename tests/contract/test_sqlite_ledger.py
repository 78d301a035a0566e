"""What the executor on one SQLite file promises beyond what every executor does."""

import asyncio
import itertools
import os
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select

from services.errors import Misconfigured, Transient
from services.storage import outbox
from services.storage.records import Event
from services.storage.sqlite import SqliteLedger, _Committed
from services.storage.tables import counters


def put(connection: Connection, name: str) -> str:
    connection.execute(insert(counters), {"name": name, "value": 1})
    return name


@pytest.fixture
async def ledger(path: Path) -> AsyncIterator[SqliteLedger]:
    """An empty ledger, open."""
    opened = SqliteLedger(path)
    yield opened
    await opened.close()


async def names(ledger: SqliteLedger) -> list[str]:
    def query(connection: Connection) -> list[str]:
        return list(connection.execute(select(counters.c.name).order_by(counters.c.name)).scalars())

    return await ledger.read(query)


async def test_units_run_in_the_order_in_which_they_were_handed_in(ledger: SqliteLedger) -> None:
    ran: list[int] = []
    await asyncio.gather(*(ledger.write(lambda _, n=n: ran.append(n)) for n in range(500)))
    assert ran == list(range(500))


async def test_units_that_a_sender_waits_for_run_before_the_others(ledger: SqliteLedger) -> None:
    ran: list[str] = []
    writing = [
        *(asyncio.create_task(ledger.write(lambda _, n=n: ran.append(f"stage {n}"))) for n in range(20)),
        *(
            asyncio.create_task(ledger.write(lambda _, n=n: ran.append(f"sender {n}"), first=True))
            for n in range(3)
        ),
    ]
    await asyncio.gather(*writing)
    places = [ran.index(f"sender {n}") for n in range(3)]
    assert max(places) < ran.index("stage 19")
    assert [one for one in ran if one.startswith("stage")] == [f"stage {n}" for n in range(20)]


async def test_closing_finishes_what_waits(path: Path) -> None:
    ledger = SqliteLedger(path)
    writing = [asyncio.create_task(ledger.write(lambda c, n=n: put(c, str(n)))) for n in range(50)]
    await asyncio.sleep(0)
    await ledger.close()
    await asyncio.gather(*writing)
    with sqlite3.connect(path) as reopened:
        assert reopened.execute("SELECT count(*) FROM counters").fetchone() == (50,)


async def test_a_second_relay_on_the_file_is_refused_and_a_command_is_not(path: Path) -> None:
    ledger = SqliteLedger(path)
    with pytest.raises(Misconfigured) as refused:
        SqliteLedger(path)
    assert refused.value.setting == "RELAY_LEDGER__PATH"
    beside = SqliteLedger(path, exclusive=False)
    await asyncio.gather(
        *(ledger.write(lambda c, n=n: put(c, f"a{n}")) for n in range(20)),
        *(beside.write(lambda c, n=n: put(c, f"b{n}")) for n in range(20)),
    )
    assert len(await names(ledger)) == 40
    await beside.close()
    await ledger.close()


@pytest.mark.parametrize("turns", range(6))
async def test_who_is_answered_while_it_closes_may_still_write_and_nobody_afterwards(
    path: Path, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = SqliteLedger(path)
    answer = ledger._answer

    def answer_later(committed: _Committed, after: int = turns) -> None:
        if after:  # the loop may have turned so often since the disk was done
            asyncio.get_running_loop().call_soon(answer_later, committed, after - 1)
        else:
            answer(committed)

    monkeypatch.setattr(ledger, "_answer", answer_later)

    async def twice() -> None:
        await ledger.write(partial(put, name="first"))
        await ledger.write(partial(put, name="second"))

    writing = asyncio.create_task(twice())
    await asyncio.sleep(0)
    await ledger.close()
    await writing
    assert is_kept(path, "second")
    with pytest.raises(Transient):
        await ledger.write(partial(put, name="third"))


async def test_slow_readers_hold_up_no_writer_however_long_the_log_is(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.storage.sqlite._CHANGES", 0)
    monkeypatch.setattr("services.storage.sqlite._LONGEST_LOG", 0)
    done = threading.Event()
    reading = [asyncio.create_task(ledger.read_slowly(lambda _: done.wait(30))) for _ in range(3)]
    try:
        async with asyncio.timeout(10):
            for number in range(20):
                await ledger.write(partial(put, name=str(number)))
                await asyncio.sleep(0.01)
    finally:
        done.set()
    assert all(await asyncio.gather(*reading))


async def test_a_full_disk_is_transient_and_loses_only_what_was_refused(ledger: SqliteLedger) -> None:
    await ledger.write(lambda connection: put(connection, "before"))
    await ledger.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=1"))
    with pytest.raises(Transient):
        await ledger.write(lambda connection: put(connection, "x" * 64 + "y" * 2_000_000))
    await ledger.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=1073741823"))
    await ledger.write(lambda connection: put(connection, "after"))
    assert await names(ledger) == ["after", "before"]


async def test_a_follower_goes_on_in_the_commit_of_whoever_appended(ledger: SqliteLedger) -> None:
    said: list[list[str]] = []

    def unit(connection: Connection, events: Sequence[Event]) -> list[str]:
        return [put(connection, f"follows {one.event_id}") for one in events]

    end = ledger.follow("a.v1", unit, said.append)
    await asyncio.gather(
        ledger.write(partial(append, "a.v1", "1")), ledger.write(partial(append, "b.v1", "2"))
    )
    assert said == [["follows 1"]]
    assert await names(ledger) == ["follows 1"]

    end()
    await ledger.write(partial(append, "a.v1", "3"))
    assert await names(ledger) == ["follows 1"]


async def test_a_follower_that_fails_takes_nothing_with_it(ledger: SqliteLedger) -> None:
    said: list[object] = []

    def unit(connection: Connection, events: Sequence[Event]) -> None:
        put(connection, "half done")
        raise ValueError(events)

    ledger.follow("a.v1", unit, said.append)
    await ledger.write(partial(append, "a.v1", "1"))
    assert await ledger.read(partial(outbox.read, topics=["a.v1"], after=0, most=5)) != []
    assert await names(ledger) == []
    assert said == []


async def test_a_statement_of_a_follower_that_the_database_refuses_takes_nothing_with_it_either(
    ledger: SqliteLedger,
) -> None:
    def unit(connection: Connection, _: Sequence[Event]) -> None:
        connection.exec_driver_sql("SELECT no_such_column FROM counters")

    ledger.follow("a.v1", unit, lambda _: None)
    await ledger.write(partial(append, "a.v1", "1"))
    assert len(await ledger.read(partial(outbox.read, topics=["a.v1"], after=0, most=5))) == 1


async def test_nobody_follows_what_a_follower_undid(ledger: SqliteLedger) -> None:
    said: list[list[str]] = []

    def fails(connection: Connection, _: Sequence[Event]) -> None:
        append("b.v1", "undone", connection)
        raise ValueError

    ledger.follow("a.v1", fails, lambda _: None)
    ledger.follow("b.v1", lambda _, events: [one.event_id for one in events], said.append)
    await ledger.write(partial(append, "a.v1", "1"))
    assert said == []
    await ledger.write(partial(append, "b.v1", "2"))
    assert said == [["2"]]


async def test_a_follower_that_fails_when_it_is_told_keeps_nothing_from_the_others(
    ledger: SqliteLedger,
) -> None:
    told: list[object] = []
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context["exception"]))
    ledger.on_commit.append(told.append)
    fault = ValueError("its own")

    def fails(_: object) -> None:
        raise fault

    ledger.follow("a.v1", lambda *_: None, fails)
    await ledger.write(partial(append, "a.v1", "1"))
    assert faults == [fault]
    assert told == [{"a.v1"}]


def append(topic: str, event_id: str, connection: Connection) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    outbox.append(connection, Event(topic=topic, event_id=event_id, key="k", payload="{}"), now=now)


def is_kept(path: Path, name: str) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT 1 FROM counters WHERE name = ?", (name,)).fetchone()
    return found is not None


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110  # it comes about in another thread
            await asyncio.sleep(0.001)


class Disk:
    """Stands in front of the disk: it is asked only while `answers` is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[int] = []
        self.answers = threading.Event()
        self._sync = os.fdatasync
        monkeypatch.setattr(os, "fdatasync", self._answer)

    def _answer(self, handle: int) -> None:
        self.asked.append(os.fstat(handle).st_ino)
        assert self.answers.wait(30)
        self._sync(handle)


async def test_only_what_must_outlive_a_power_cut_waits_for_the_disk(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    durable = asyncio.create_task(ledger.write(partial(put, name="durable")))
    try:
        await until(lambda: disk.asked)
        await asyncio.wait_for(ledger.write(partial(put, name="not"), durable=False), 10)
        assert await names(ledger) == ["durable", "not"]  # committed, one after the other
        assert not durable.done()
    finally:
        disk.answers.set()
    assert await durable == "durable"


async def test_what_is_committed_while_the_disk_is_asked_is_answered_when_it_was_asked_again(
    ledger: SqliteLedger, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    writing = [asyncio.create_task(ledger.write(partial(put, name="0")))]
    try:
        await until(lambda: disk.asked)
        for name in "123":  # one commit each
            writing.append(asyncio.create_task(ledger.write(partial(put, name=name))))
            await until(lambda name=name: is_kept(path, name))
        assert not any(one.done() for one in writing)
    finally:
        disk.answers.set()
    assert await asyncio.gather(*writing) == ["0", "1", "2", "3"]
    assert len(disk.asked) == 2


async def test_the_disk_is_asked_for_the_log_and_the_log_stays_short(
    ledger: SqliteLedger, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    disk.answers.set()
    monkeypatch.setattr("services.storage.sqlite._CHANGES", 100)
    monkeypatch.setattr("services.storage.sqlite._LONGEST_LOG", 400)

    def fill(connection: Connection, part: int) -> None:
        for number in range(50):
            put(connection, f"{part} {number}" + "x" * 4_000)

    for part in range(100):  # a load that never pauses
        await ledger.write(partial(fill, part=part))
    of_the_log = (path.parent / f"{path.name}-wal").stat()
    assert set(disk.asked) == {of_the_log.st_ino}
    assert path.stat().st_size > 20_000_000
    assert of_the_log.st_size < 10_000_000  # it began anew; else it would be longer than the file


async def test_a_command_that_holds_the_file_holds_up_the_writer_and_not_the_loop(
    ledger: SqliteLedger, path: Path
) -> None:
    command = sqlite3.connect(path, isolation_level=None)
    command.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(ledger.write(partial(put, name="waits")))
    for _ in range(20):  # the loop has its turns
        await asyncio.sleep(0.001)
        assert await names(ledger) == []
    assert not writing.done()
    command.execute("COMMIT")
    command.close()
    assert await writing == "waits"


async def test_a_long_batch_lets_others_have_a_turn(ledger: SqliteLedger) -> None:
    ran: list[int] = []
    seen: set[int] = set()

    def unit(_: Connection, number: int) -> None:
        time.sleep(0.001)  # as one with a hundred statements
        ran.append(number)

    writing = [asyncio.create_task(ledger.write(partial(unit, number=n), first=True)) for n in range(100)]
    while len(ran) < 100:
        await asyncio.sleep(0)
        seen.add(len(ran))
    await asyncio.gather(*writing)
    assert max(b - a for a, b in itertools.pairwise(sorted(seen))) <= 10


async def test_nobody_follows_what_was_undone(ledger: SqliteLedger) -> None:
    said: list[list[str]] = []
    ledger.follow("a.v1", lambda _, events: [one.event_id for one in events], said.append)

    def fails(connection: Connection) -> None:
        append("a.v1", "undone", connection)
        raise ValueError

    undone, _ = await asyncio.gather(
        ledger.write(fails), ledger.write(partial(append, "a.v1", "kept")), return_exceptions=True
    )
    assert isinstance(undone, ValueError)
    assert said == [["kept"]]


async def test_a_fault_of_the_disk_is_the_ledgers_by_the_driver_too(ledger: SqliteLedger) -> None:
    def full(_connection: Connection) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with pytest.raises(Transient):
        await ledger.write(full)
    await ledger.write(partial(put, name="afterwards"))
    assert await names(ledger) == ["afterwards"]
