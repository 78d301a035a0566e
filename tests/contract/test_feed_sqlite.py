"""The feed of the embedded runtime: order, positions, pruning; a ledger out of reach; a reader that is cancelled."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from services.errors import Transient
from services.storage import migrations, outbox
from services.storage.adapters import LedgerOutbox
from services.storage.feed_sqlite import SqliteFeed
from services.storage.records import Event, Record
from services.storage.sqlite import SqliteLedger
from services.storage.sqlite_file import open_engine
from tests.builders import NOW

GROUP = "classify"
TOPIC = "alerts.v1"


class Failing(SqliteLedger):
    """A ledger whose disk can be full."""

    full = False

    async def write(self, unit: Any, *, first: bool = False, durable: bool = True) -> Any:
        if self.full:
            raise Transient("the ledger could not commit")
        return await super().write(unit, first=first)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Failing]:
    engine = open_engine(tmp_path / "ledger.db")
    migrations.upgrade(engine)
    engine.dispose()
    opened = Failing(tmp_path / "ledger.db")
    yield opened
    await opened.close()


def record(position: int) -> Record:
    return Record(position=position, topic="alerts.v1", key="k", event_id=f"e-{position}", payload="{}")


async def begun(feed: SqliteFeed, stop: asyncio.Event) -> asyncio.Task[None]:
    async def read() -> None:
        async for _ in feed.read(["alerts.v1"], group=GROUP, stop=stop):
            pass

    task = asyncio.create_task(read())
    for _ in range(10):  # it waits for a commit by now
        await asyncio.sleep(0)
    return task


async def test_a_position_that_cannot_be_written_is_written_with_the_next(ledger: Failing) -> None:
    feed, stop = SqliteFeed(ledger, most=16), asyncio.Event()
    task = await begun(feed, stop)
    ledger.full = True
    await feed.acknowledge([record(7)], group=GROUP)
    assert await ledger.read(lambda connection: outbox.position(connection, group=GROUP)) == 0
    ledger.full = False
    stop.set()
    feed.wake(GROUP)
    async with asyncio.timeout(5):
        await task
    assert await ledger.read(lambda connection: outbox.position(connection, group=GROUP)) == 7


async def test_a_reader_that_is_cancelled_while_it_is_woken_ends(ledger: Failing) -> None:
    feed = SqliteFeed(ledger, most=16)
    task = await begun(feed, asyncio.Event())
    feed.wake(GROUP)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(5):
            await task


async def read_batches(feed: SqliteFeed, *, group: str, count: int, acknowledge: int) -> list[str]:
    """Read until `count` records came; acknowledge the first `acknowledge` of them."""
    stop = asyncio.Event()
    seen: list[str] = []
    async with asyncio.timeout(10):
        async for batch in feed.read([TOPIC], group=group, stop=stop):
            for record in batch:
                seen.append(record.event_id)
                if len(seen) <= acknowledge:
                    await feed.acknowledge([record], group=group)
            if len(seen) >= count:
                stop.set()
                feed.wake(group)
    return seen


async def append(ledger: Failing, *names: str) -> None:
    events = [Event(topic=TOPIC, event_id=name, key="k", payload="{}") for name in names]
    await ledger.write(partial(outbox.append_all, events=events, now=NOW))


async def test_a_feed_gives_records_in_order_and_those_written_while_it_waits(ledger: Failing) -> None:
    await append(ledger, "1", "2")
    reading = asyncio.create_task(read_batches(SqliteFeed(ledger, most=1), group="g", count=4, acknowledge=4))
    await append(ledger, "3", "4")
    assert await reading == ["1", "2", "3", "4"]


async def test_an_unacknowledged_record_is_read_again(ledger: Failing) -> None:
    await append(ledger, "1", "2", "3")
    assert await read_batches(SqliteFeed(ledger, most=10), group="g", count=3, acknowledge=1) == [
        "1",
        "2",
        "3",
    ]
    assert await read_batches(SqliteFeed(ledger, most=10), group="g", count=2, acknowledge=2) == ["2", "3"]


async def test_groups_read_for_themselves(ledger: Failing) -> None:
    await append(ledger, "1", "2")
    await read_batches(SqliteFeed(ledger, most=10), group="a", count=2, acknowledge=2)
    assert await read_batches(SqliteFeed(ledger, most=10), group="b", count=2, acknowledge=2) == ["1", "2"]


async def test_retention_prunes_only_what_all_groups_have_read_and_ids_never_come_again(
    ledger: Failing,
) -> None:
    port = LedgerOutbox(ledger)
    await append(ledger, "1", "2", "3")
    await read_batches(SqliteFeed(ledger, most=10), group="a", count=3, acknowledge=3)
    prune: Any = partial(
        port.prune, groups=("a", "b"), now=NOW + timedelta(days=9), keep_for=timedelta(days=7), most=100
    )
    assert await prune() == 0
    await read_batches(SqliteFeed(ledger, most=10), group="b", count=3, acknowledge=2)
    assert await prune() == 2
    await read_batches(SqliteFeed(ledger, most=10), group="b", count=1, acknowledge=1)
    assert await prune() == 1
    await append(ledger, "4")
    assert await read_batches(SqliteFeed(ledger, most=10), group="a", count=1, acknowledge=1) == ["4"]
    assert await port.backlog(group="b", topics=[TOPIC]) == (1, NOW)


async def test_a_feed_reads_by_position_however_much_is_kept(ledger: Failing) -> None:
    def plan(connection: Connection) -> list[str]:
        asked: list[str] = []
        driver: Any = connection.connection.driver_connection
        driver.set_trace_callback(asked.append)
        outbox.read(connection, topics=[TOPIC], after=0, most=10)
        driver.set_trace_callback(None)
        return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[0]}")]

    assert await ledger.read(plan) == ["SEARCH outbox USING INTEGER PRIMARY KEY (rowid>?)"]
