"""From the outbox to the topics: whatever happens to the broker, every record comes, and nobody waits for it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer
from prometheus_client import CollectorRegistry
from sqlalchemy import func, select

from services.demo.kafka_server import KafkaServer
from services.runtime.instruments import Instruments
from services.runtime.publishing import Publisher, Sweeper
from services.storage import outbox
from services.storage.adapters import LedgerLeases
from services.storage.kafka_connection import KafkaConnection
from services.storage.kafka_topics import Topic, create_topics, load
from services.storage.migrations import upgrade
from services.storage.records import Event, Record
from services.storage.sqlite import SqliteLedger
from services.storage.sqlite_file import open_engine
from services.storage.tables import outbox as rows

pytestmark = [pytest.mark.integration, pytest.mark.needs("kafka")]

ROOT = Path(__file__).resolve().parents[2]
WITHIN = 60
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def now() -> datetime:
    return datetime.now(UTC)


class Rig:
    """A process that commits events, its publisher, and a sweeper beside it."""

    def __init__(
        self, kafka: KafkaServer, ledger: SqliteLedger, *, topic: str, most_waiting: int = 10_000
    ) -> None:
        self.kafka = kafka
        self.topic = topic
        self.ledger = ledger
        self.registry = CollectorRegistry()
        instruments = Instruments(self.registry)
        connection = KafkaConnection(servers=kafka.servers)
        self.publisher = Publisher(
            ledger, connection, clock=now, instruments=instruments, most_waiting=most_waiting
        )
        self.sweeper = Sweeper(
            ledger,
            connection,
            leases=LedgerLeases(ledger),
            holder="tests",
            clock=now,
            instruments=instruments,
            grace=timedelta(seconds=1),
        )
        self.stop = asyncio.Event()
        self.appended = 0

    async def append(self, count: int, *, offer: bool = True, size: int = 20) -> None:
        """Commit `count` events in one unit and hand them to the publisher, as the ledger's hook does."""
        events = [
            Event(
                topic=self.topic,
                event_id=f"e-{n}",
                key=f"k-{n % 8}",
                payload=f'{{"n":{n},"x":"{"x" * size}"}}',
                traceparent=TRACE,
            )
            for n in range(self.appended, self.appended + count)
        ]
        self.appended += count
        await self.ledger.write(partial(outbox.append_all, events=events, now=now()))
        if offer:
            self.publisher.offer(await self._records(events))

    async def unpublished(self) -> int:
        waiting = select(func.count()).where(rows.c.published_at.is_(None))
        return await self.ledger.read(lambda connection: connection.execute(waiting).scalar_one())

    async def drained(self, *, within: float = WITHIN) -> None:
        async with asyncio.timeout(within):
            while await self.unpublished():  # noqa: ASYNC110  (the ledger has no event for it)
                await asyncio.sleep(0.05)

    def value(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0

    async def read(self) -> list[Any]:
        """Return every record of the topic, by partition in order."""
        consumer = AIOKafkaConsumer(
            self.topic, bootstrap_servers=self.kafka.servers, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            ends = await consumer.end_offsets(consumer.assignment())
            found: list[Any] = []
            while sum(ends.values()) > len(found):
                for batch in (await consumer.getmany(timeout_ms=500)).values():
                    found += batch
            return found
        finally:
            await consumer.stop()

    async def _records(self, events: Sequence[Event]) -> list[Record]:
        ids = [event.event_id for event in events]
        wanted = select(rows).where(rows.c.event_id.in_(ids)).order_by(rows.c.id)
        found = await self.ledger.read(lambda connection: connection.execute(wanted).all())
        return [outbox.to_record(row) for row in found]


@asynccontextmanager
async def made_on(kafka: KafkaServer, folder: Path) -> AsyncIterator[Callable[..., Rig]]:
    """Yield what makes rigs; loops that were started are ended afterwards."""
    engine = open_engine(folder / "ledger.sqlite3")
    upgrade(engine)
    engine.dispose()
    ledger = SqliteLedger(folder / "ledger.sqlite3")
    topic = replace(described(), name=f"published.{uuid4().hex}", partitions=3)
    await create_topics(KafkaConnection(servers=kafka.servers), [topic])
    started: list[tuple[Rig, list[asyncio.Task[None]]]] = []

    def make(*, publishes: bool = True, sweeps: bool = False, **options: int) -> Rig:
        rig = Rig(kafka, ledger, topic=topic.name, **options)
        tasks = [asyncio.create_task(rig.publisher.run(rig.stop))] if publishes else []
        if sweeps:
            tasks.append(asyncio.create_task(rig.sweeper.run(rig.stop)))
        started.append((rig, tasks))
        return rig

    yield make
    for rig, tasks in started:
        rig.stop.set()
        async with asyncio.timeout(WITHIN):
            await asyncio.gather(*tasks)
    await ledger.close()


@pytest.fixture
async def rigs(kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Callable[..., Rig]]:
    """Rigs on the broker of all tests."""
    async with made_on(kafka, tmp_path) as make:
        yield make


@pytest.fixture
async def fragile_rigs(own_kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Callable[..., Rig]]:
    """Rigs on a broker of this test's own."""
    async with made_on(own_kafka, tmp_path) as make:
        yield make


def described() -> Topic:
    return load(ROOT / "deploy/kafka/topics.toml", replication=1)[0]


def in_order(found: Sequence[Any]) -> bool:
    """Return whether the first copies of each key's records stand in the order of their appending."""
    last: dict[bytes, int] = {}
    seen: set[str] = set()
    for one in found:
        event_id = dict(one.headers)["ce_id"].decode()
        number = int(event_id.removeprefix("e-"))
        if event_id not in seen and number < last.get(one.key, -1):
            return False
        seen.add(event_id)
        last[one.key] = max(number, last.get(one.key, -1))
    return True


def ids(found: Sequence[Any]) -> set[str]:
    return {dict(one.headers)["ce_id"].decode() for one in found}


def every(count: int) -> set[str]:
    return {f"e-{n}" for n in range(count)}


async def test_what_is_committed_is_published_at_once_in_order_and_marked(rigs: Callable[..., Rig]) -> None:
    rig = rigs()
    for _ in range(20):
        await rig.append(30)
    await rig.drained(within=10)
    found = await rig.read()
    assert len(found) == 600
    assert ids(found) == every(600)
    assert in_order(found)
    assert dict(found[0].headers)["traceparent"] == TRACE.encode()
    assert rig.value("relay_publisher_published_total", path="direct") == 600


async def test_what_was_offered_is_published_when_the_process_stops(rigs: Callable[..., Rig]) -> None:
    rig = rigs()
    await rig.append(50)
    rig.stop.set()
    await rig.append(5)
    await rig.drained(within=10)


async def test_the_sweeper_publishes_what_a_dead_process_left(rigs: Callable[..., Rig]) -> None:
    rig = rigs(publishes=False, sweeps=True)
    await rig.append(1200, offer=False)
    await rig.drained(within=15)
    found = await rig.read()
    assert ids(found) == every(1200)
    assert in_order(found)
    assert rig.value("relay_publisher_published_total", path="swept") == 1200


async def test_one_sweeper_at_a_time(rigs: Callable[..., Rig]) -> None:
    rig = rigs(publishes=False)
    await rig.append(3, offer=False)
    lease = partial(LedgerLeases(rig.ledger).acquire, "publish", holder="another")
    await lease(now=now(), until=now() + timedelta(minutes=1))
    await asyncio.sleep(1.1)
    assert await rig.sweeper.round(rig.stop) == 0
    await lease(now=now(), until=now() - timedelta(seconds=1))
    assert await rig.sweeper.round(rig.stop) == 3


async def test_what_does_not_fit_in_memory_is_left_to_the_sweeper(rigs: Callable[..., Rig]) -> None:
    rig = rigs(publishes=False, sweeps=False, most_waiting=100)
    await rig.append(150)
    assert len(rig.publisher._waiting) == 100
    assert rig.value("relay_publisher_left_total") == 50
    await rig.append(40, size=1 << 20)
    assert len(rig.publisher._waiting) == 100
    await asyncio.sleep(1.1)
    await rig.sweeper.round(rig.stop)
    await rig.drained(within=5)
    assert ids(await rig.read()) == every(190)


async def test_memory_is_bounded_by_size_too(rigs: Callable[..., Rig]) -> None:
    rig = rigs(publishes=False)
    await rig.append(40, size=1 << 20)
    assert len(rig.publisher._waiting) < 32
    assert rig.publisher._waiting.bytes <= 32 << 20


async def test_a_record_that_the_brokers_refuse_blocks_no_other(rigs: Callable[..., Rig]) -> None:
    rig = rigs(sweeps=True)
    await rig.append(1, size=5 << 20)
    await rig.append(20)
    async with asyncio.timeout(WITHIN):
        while await rig.unpublished() != 1:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert ids(await rig.read()) == every(21) - {"e-0"}
    assert rig.value("relay_publisher_refused_total") >= 1


@pytest.mark.parametrize(("fault", "seconds"), [("kill", 9), ("stop", 9), ("pause", 20)])
async def test_an_outage_delays_and_loses_nothing(
    fragile_rigs: Callable[..., Rig], fault: str, seconds: int
) -> None:
    rig = fragile_rigs(sweeps=True, most_waiting=200)
    broker = rig.kafka
    await rig.append(100)
    await rig.drained(within=10)
    slowest = 0.0
    running = asyncio.get_running_loop()
    await asyncio.to_thread(getattr(broker, fault))
    ended = running.time() + seconds
    while running.time() < ended:  # 50 a second, more than may wait in memory
        began = running.time()
        await rig.append(5)
        slowest = max(slowest, running.time() - began)
        assert len(rig.publisher._waiting) <= 200 + 500  # a batch that failed is put back
        await asyncio.sleep(0.1)
    assert slowest < 5  # nobody waited for the broker: only for the ledger and this machine
    assert await rig.unpublished() > 100
    if fault == "pause":
        broker.resume()
    else:
        await asyncio.to_thread(broker.start)
    await rig.append(5)
    await rig.drained(within=20)
    found = await rig.read()
    assert ids(found) == every(rig.appended)
    assert len(found) < rig.appended * 1.5


async def test_a_topic_that_is_made_later_gets_its_records_and_holds_no_other(
    rigs: Callable[..., Rig],
) -> None:
    rig = rigs()
    topic = replace(described(), name=f"late.{uuid4().hex}")
    late = Record(topic=topic.name, event_id="late", key="k", payload="{}", position=0)
    rig.publisher.offer([late])
    await rig.append(10)
    await rig.drained(within=20)
    await create_topics(KafkaConnection(servers=rig.kafka.servers), [topic])
    async with asyncio.timeout(WITHIN):
        while rig.value("relay_publisher_published_total", path="direct") < 11:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_publisher_that_is_cancelled_during_an_outage_ends(
    fragile_rigs: Callable[..., Rig],
) -> None:
    rig = fragile_rigs(publishes=False)
    task = asyncio.create_task(rig.publisher.run(asyncio.Event()))
    await rig.append(10)
    await rig.drained(within=10)
    rig.kafka.pause()
    await rig.append(10)
    await asyncio.sleep(0.5)
    task.cancel()
    async with asyncio.timeout(10):
        with suppress(asyncio.CancelledError):
            await task
    rig.kafka.resume()
