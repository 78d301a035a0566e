"""The feed of the embedded runtime while the ledger is out of reach, and when its reader is cancelled."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.errors import Transient
from services.storage import migrations, outbox
from services.storage.feed_sqlite import SqliteFeed
from services.storage.records import Record
from services.storage.sqlite import SqliteLedger, open_engine

GROUP = "classify"


class Failing(SqliteLedger):
    """A ledger whose disk can be full."""

    full = False

    async def write(self, unit: Any, *, first: bool = False) -> Any:
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
