"""What the executor on one SQLite file promises beyond what every executor does."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select

from services.errors import Misconfigured, Transient
from services.storage import outbox
from services.storage.records import Event
from services.storage.sqlite import SqliteLedger
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
    gate = asyncio.Event()

    def hold(_: Connection) -> None:
        asyncio.run_coroutine_threadsafe(gate.wait(), loop).result(10)

    loop = asyncio.get_running_loop()
    holding = asyncio.create_task(ledger.write(hold))
    await asyncio.sleep(0)  # the writer is busy from here on, everything below waits
    behind = [asyncio.create_task(ledger.write(lambda _, n=n: ran.append(f"stage {n}"))) for n in range(20)]
    ahead = [
        asyncio.create_task(ledger.write(lambda _, n=n: ran.append(f"sender {n}"), first=True))
        for n in range(3)
    ]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(holding, *behind, *ahead)
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


async def test_only_what_must_outlive_a_power_cut_waits_for_the_disk(ledger: SqliteLedger) -> None:
    def waits(connection: Connection) -> int:
        return int(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())

    normal, full = 1, 2
    assert await ledger.write(waits) == full
    assert await ledger.write(waits, durable=False) == normal
    together = await asyncio.gather(*(ledger.write(waits, durable=number == 3) for number in range(5)))
    assert together[3] == full  # and whatever else is in its commit
    assert await ledger.write(waits) == full


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
