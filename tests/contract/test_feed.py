"""What every feed promises: in order per key, at least once, nothing twice that was acknowledged in good order."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest

from services.demo.kafka_server import KafkaServer
from services.storage import outbox
from services.storage.feed_kafka import KafkaFeed
from services.storage.feed_sqlite import SqliteFeed
from services.storage.kafka_connection import KafkaConnection
from services.storage.kafka_sender import KafkaSender
from services.storage.kafka_topics import Topic, create_topics
from services.storage.ports import Feed
from services.storage.records import Event, Record
from services.storage.sqlite import SqliteLedger

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MOST = 8
WITHIN = 20  # seconds, for anything


class Transport(Protocol):
    """One way from an appended event to a reader."""

    topics: Sequence[str]

    async def append(self, records: Sequence[Record]) -> None: ...

    def feed(self) -> Feed: ...


class InLedger:
    topics = ("alerts.v1", "classified.v1")

    def __init__(self, ledger: SqliteLedger) -> None:
        self._ledger = ledger

    async def append(self, records: Sequence[Record]) -> None:
        events = [
            Event(topic=one.topic, event_id=one.event_id, key=one.key, payload=one.payload) for one in records
        ]
        await self._ledger.write(partial(outbox.append_all, events=events, now=NOW))

    def feed(self) -> Feed:
        return SqliteFeed(self._ledger, most=MOST)


class OnBrokers:
    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection
        self._sender = KafkaSender(connection)
        self.topics = tuple(f"feed.{uuid4().hex}.{name}" for name in "ab")

    async def start(self) -> None:
        config = {"cleanup.policy": "delete"}
        topics = [Topic(name=name, partitions=3, replication=1, config=config) for name in self.topics]
        await create_topics(self._connection, topics)

    async def append(self, records: Sequence[Record]) -> None:
        sent = await self._sender.send(records, now=NOW)
        assert sent.published == list(records)

    def feed(self) -> Feed:
        return KafkaFeed(self._connection, most=MOST, session=timedelta(seconds=2))

    async def close(self) -> None:
        await self._sender.close()


@asynccontextmanager
async def in_ledger(path: Path) -> AsyncIterator[Transport]:
    ledger = SqliteLedger(path)
    yield InLedger(ledger)
    await ledger.close()


@asynccontextmanager
async def on_brokers(kafka: KafkaServer) -> AsyncIterator[Transport]:
    transport = OnBrokers(KafkaConnection(servers=kafka.servers))
    await transport.start()
    yield transport
    await transport.close()


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("kafka", marks=[pytest.mark.integration, pytest.mark.needs("kafka")]),
    ]
)
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    opened = (
        in_ledger(request.getfixturevalue("path"))
        if request.param == "sqlite"
        else on_brokers(request.getfixturevalue("kafka"))
    )
    async with opened as found:
        yield found


def records(topic: str, numbers: Sequence[int], *, key: Callable[[int], str] = lambda _: "k") -> list[Record]:
    return [
        Record(topic=topic, event_id=f"e-{n}", key=key(n), payload=f'{{"n":{n}}}', position=n)
        for n in numbers
    ]


async def taken(
    feed: Feed, topics: Sequence[str], count: int, *, group: str = "classify", acknowledge: bool = True
) -> list[Record]:
    """Read until there are `count` records or more, then stop in good order."""
    stop = asyncio.Event()
    found: list[Record] = []
    async with asyncio.timeout(WITHIN):
        async for batch in feed.read(topics, group=group, stop=stop):
            assert 0 < len(batch) <= MOST
            found += batch
            if acknowledge:
                await feed.acknowledge(batch, group=group)
            if len(found) >= count:
                stop.set()
    return found


async def test_records_of_a_key_come_in_order_and_all_come(transport: Transport) -> None:
    topic = transport.topics[0]
    sent = records(topic, range(60), key=lambda n: f"k-{n % 7}")
    await transport.append(sent)
    read = await taken(transport.feed(), [topic], len(sent))
    for key in {record.key for record in sent}:
        assert [one.event_id for one in read if one.key == key] == [
            one.event_id for one in sent if one.key == key
        ]
    assert {one.event_id: one.payload for one in read} == {one.event_id: one.payload for one in sent}


async def test_all_topics_of_a_reader_are_read(transport: Transport) -> None:
    await transport.append([*records(transport.topics[0], [1]), *records(transport.topics[1], [2])])
    read = await taken(transport.feed(), transport.topics, 2)
    assert {(one.topic, one.event_id) for one in read} == {
        (transport.topics[0], "e-1"),
        (transport.topics[1], "e-2"),
    }


async def test_what_was_acknowledged_is_not_read_again(transport: Transport) -> None:
    topic = transport.topics[0]
    await transport.append(records(topic, range(20)))
    await taken(transport.feed(), [topic], 20)
    await transport.append(records(topic, [20]))
    assert [one.event_id for one in await taken(transport.feed(), [topic], 1)] == ["e-20"]


async def test_what_was_not_acknowledged_is_read_again(transport: Transport) -> None:
    topic = transport.topics[0]
    await transport.append(records(topic, range(3)))
    assert len(await taken(transport.feed(), [topic], 3, acknowledge=False)) == 3
    assert [one.event_id for one in await taken(transport.feed(), [topic], 3)] == ["e-0", "e-1", "e-2"]


async def test_groups_read_apart(transport: Transport) -> None:
    topic = transport.topics[0]
    await transport.append(records(topic, range(3)))
    await taken(transport.feed(), [topic], 3, group="classify")
    assert len(await taken(transport.feed(), [topic], 3, group="metrics")) == 3


async def test_a_reader_that_waits_gets_what_comes_later_at_once(transport: Transport) -> None:
    topic = transport.topics[0]
    await transport.append(records(topic, [0]))
    feed, stop = transport.feed(), asyncio.Event()
    arrived: asyncio.Queue[float] = asyncio.Queue()
    running = asyncio.get_running_loop()

    async def read() -> None:
        async for batch in feed.read([topic], group="notify", stop=stop):
            for _ in batch:
                arrived.put_nowait(running.time())
            await feed.acknowledge(batch, group="notify")

    task = asyncio.create_task(read())
    async with asyncio.timeout(WITHIN):
        await arrived.get()  # it is a reader by now
        began = running.time()
        await transport.append(records(topic, [1]))
        assert await arrived.get() - began < 1
        stop.set()
        await task


async def test_a_reader_that_waits_ends_when_it_is_stopped(transport: Transport) -> None:
    feed, stop = transport.feed(), asyncio.Event()

    async def read() -> None:
        async for _ in feed.read([transport.topics[0]], group="notify", stop=stop):
            raise AssertionError

    task = asyncio.create_task(read())
    await asyncio.sleep(0.1)
    stop.set()
    async with asyncio.timeout(WITHIN):
        await task


async def test_a_reader_that_is_cancelled_ends(transport: Transport) -> None:
    feed = transport.feed()
    topic = transport.topics[0]
    await transport.append(records(topic, [0]))
    reading = asyncio.Event()

    async def read() -> None:
        async for _ in feed.read([topic], group="notify", stop=asyncio.Event()):
            reading.set()

    task = asyncio.create_task(read())
    async with asyncio.timeout(WITHIN):
        await reading.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
