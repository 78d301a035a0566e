"""The feed among other members of its group, over rebalances and faults of the broker; the traps of the client."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.demo.kafka_server import KafkaServer
from services.storage.feed_kafka import KafkaFeed
from services.storage.kafka_connection import KafkaConnection
from services.storage.kafka_sender import KafkaSender
from services.storage.kafka_topics import Topic, create_topics
from services.storage.records import Record

pytestmark = [pytest.mark.integration, pytest.mark.needs("kafka")]

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GROUP = "notify"
WITHIN = 60


class Reader:
    """A process of a service: reads, handles for as long as it is told, acknowledges."""

    def __init__(
        self, kafka: KafkaServer, topics: Sequence[str], *, group: str, most: int = 4, session: float = 2
    ) -> None:
        self.feed = KafkaFeed(
            KafkaConnection(servers=kafka.servers), most=most, session=timedelta(seconds=session)
        )
        self.topics = topics
        self.group = group
        self.handled: list[Record] = []
        self.acknowledged: list[str] = []
        self.may_end = asyncio.Event()  # of the handling of a batch
        self.may_end.set()
        self.acknowledges = True
        self.stop = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async for batch in self.feed.read(self.topics, group=self.group, stop=self.stop):
            self.handled += batch
            await self.may_end.wait()
            if self.acknowledges:
                await self.feed.acknowledge(batch, group=self.group)
                self.acknowledged += [record.event_id for record in batch]

    async def end(self) -> None:
        """Stop in good order."""
        self.stop.set()
        async with asyncio.timeout(WITHIN):
            await self._task

    async def die(self) -> None:
        """Leave without a word, as a killed process does: nothing is committed, the group is not left."""
        member = self.feed._members[self.group]
        consumer = member._consumer
        member._consumer = None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        coordinator = consumer._coordinator
        coordinator._maybe_leave_group = _nothing
        await consumer.stop()

    @property
    def ids(self) -> list[str]:
        return [record.event_id for record in self.handled]


async def _nothing() -> None:
    return


async def until(condition: Callable[[], bool], *, within: float = WITHIN) -> None:
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110  (conditions of many kinds)
            await asyncio.sleep(0.02)


class Rig:
    def __init__(self, kafka: KafkaServer) -> None:
        self.kafka = kafka
        self.connection = KafkaConnection(servers=kafka.servers)
        self.topic = f"feed.{uuid4().hex}"
        self.group = f"g-{uuid4().hex}"
        self._sender = KafkaSender(self.connection)
        self._readers: list[Reader] = []

    def reader(self, most: int = 4, session: float = 2) -> Reader:
        reader = Reader(self.kafka, (self.topic,), group=self.group, most=most, session=session)
        self._readers.append(reader)
        return reader

    async def make(self, *, partitions: int) -> None:
        wanted = Topic(
            name=self.topic, partitions=partitions, replication=1, config={"cleanup.policy": "delete"}
        )
        await create_topics(self.connection, [wanted])

    async def send(self, numbers: Sequence[int]) -> None:
        records = [
            Record(topic=self.topic, event_id=f"e-{n}", key=f"k-{n % 16}", payload="{}", position=n)
            for n in numbers
        ]
        sent = await self._sender.send(records, now=NOW)
        assert len(sent.published) == len(records)

    async def committed(self) -> int:
        """Return how many records the group is done with."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka.servers)
        await admin.start()
        try:
            found = await admin.list_consumer_group_offsets(self.group)
            return sum(max(one.offset, 0) for one in found.values())
        finally:
            await admin.close()

    async def close(self) -> None:
        for reader in self._readers:
            reader.may_end.set()
            if not reader._task.done():
                await reader.end()
        await self._sender.close()


@asynccontextmanager
async def opened(kafka: KafkaServer, *, partitions: int) -> AsyncIterator[Rig]:
    rig = Rig(kafka)
    await rig.make(partitions=partitions)
    yield rig
    await rig.close()


@pytest.fixture
async def rig(kafka: KafkaServer) -> AsyncIterator[Rig]:
    async with opened(kafka, partitions=4) as made:
        yield made


def every(count: int) -> set[str]:
    return {f"e-{n}" for n in range(count)}


async def test_two_readers_share_and_all_is_read_once(rig: Rig) -> None:
    first, second = rig.reader(), rig.reader()
    await until(lambda: first.feed.ready(rig.group) and second.feed.ready(rig.group))
    await rig.send(range(200))
    await until(lambda: set(first.acknowledged + second.acknowledged) == every(200))
    assert first.ids
    assert second.ids
    await asyncio.gather(first.end(), second.end())
    assert await rig.committed() == 200


async def test_what_a_killed_reader_had_not_acknowledged_another_reads(rig: Rig) -> None:
    first = rig.reader()
    first.may_end.clear()
    await rig.send(range(40))
    await until(lambda: bool(first.ids))
    held = set(first.ids)
    await first.die()
    second = rig.reader()
    await until(lambda: set(second.acknowledged) == every(40))
    assert held <= set(second.ids)


async def test_a_reader_that_leaves_in_good_order_gives_the_rest_away_at_once(rig: Rig) -> None:
    first = rig.reader()
    await rig.send(range(8))
    await until(lambda: set(first.acknowledged) == every(8))
    await first.end()
    second = rig.reader()
    await rig.send(range(8, 12))
    await until(lambda: set(second.acknowledged) == {f"e-{n}" for n in range(8, 12)}, within=10)
    assert len(second.ids) == 4  # nothing is repeated


async def test_a_rebalance_during_a_long_batch_stops_nobody(rig: Rig) -> None:
    """The first trap: what the listener waits for must never wait for the listener."""
    first = rig.reader(session=6)
    first.may_end.clear()
    await rig.send(range(40))
    await until(lambda: bool(first.ids))
    second = rig.reader(session=6)
    # it waited for the batch, but neither for ever nor until the brokers expelled the first after twice a session
    await until(lambda: second.feed.ready(rig.group), within=10)
    first.may_end.set()
    await until(lambda: set(first.acknowledged) | set(second.acknowledged) >= every(40))
    await asyncio.gather(first.end(), second.end())
    assert await rig.committed() == 40


async def test_a_batch_that_ends_in_time_is_committed_before_its_partitions_go(rig: Rig) -> None:
    """The second trap: what is in hand must end before the state is given up."""
    first = rig.reader(most=40, session=6)
    first.may_end.clear()
    await rig.send(range(40))
    await until(lambda: bool(first.ids))
    member = first.feed._members[rig.group]
    member._commit_at = math.inf  # so that nothing but the rebalance commits
    second = rig.reader(most=40, session=6)
    await until(lambda: member._consumer._subscription.reassignment_in_progress)
    await asyncio.sleep(0.3)  # far less than the listener waits
    first.may_end.set()
    await until(lambda: set(first.acknowledged) | set(second.acknowledged) >= every(40))
    assert set(first.ids).isdisjoint(second.ids)


async def test_what_was_fetched_before_a_rebalance_is_dropped(rig: Rig) -> None:
    """The third trap: a batch of the assignment before must neither be handed out nor committed."""
    reader = rig.reader()
    await until(lambda: reader.feed.ready(rig.group))
    member = reader.feed._members[rig.group]
    accept, fetched = member._accept, []

    def catch(epoch: int, came: dict[TopicPartition, list[Any]]) -> list[Record]:
        if came:
            fetched.append((epoch, came))
        return []

    member._accept = catch
    await rig.send(range(1))
    await until(lambda: bool(fetched))
    held = set(member._consumer.assignment())
    await member.on_partitions_revoked(held)
    await member.on_partitions_assigned(held)
    assert accept(*fetched[0]) == []
    assert [record.event_id for record in accept(member._epoch, fetched[0][1])] == [
        "e-0"
    ]  # the epoch decides


async def test_an_acknowledgement_after_the_partitions_went_commits_nothing(rig: Rig) -> None:
    reader = rig.reader()
    reader.acknowledges = False
    await rig.send(range(4))
    await until(lambda: bool(reader.ids))
    member = reader.feed._members[rig.group]
    held = set(member._consumer.assignment())
    await member.on_partitions_revoked(held)
    await member.on_partitions_assigned(held)
    for record in reader.handled:  # as if it were handed out again
        member._positions.hand_out(TopicPartition(record.topic, record.partition), record.position)
    await reader.feed.acknowledge(reader.handled, group=rig.group)
    assert member._positions.to_commit() == {}


async def test_only_what_is_contiguous_is_committed(kafka: KafkaServer) -> None:
    async with opened(kafka, partitions=1) as rig:
        reader = rig.reader(most=2)
        reader.acknowledges = False
        await rig.send(range(6))
        await until(lambda: len(reader.ids) == 6)
        await reader.feed.acknowledge(reader.handled[:2] + reader.handled[3:], group=rig.group)
        await reader.end()
        assert await rig.committed() == 2


async def test_what_is_no_event_is_handed_on_and_blocks_nothing(rig: Rig) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=rig.kafka.servers)
    await producer.start()
    for value, headers in (
        (b"\xff\xfe", [("ce_id", b"x"), ("ce_specversion", b"1.0"), ("ce_type", b"t"), ("ce_source", b"/")]),
        (b"not json, no headers", []),
        (None, []),
    ):
        await producer.send_and_wait(rig.topic, value=value, key=b"k", headers=headers, partition=0)
    await producer.stop()
    await rig.send(range(20))
    reader = rig.reader()
    await until(lambda: every(20) <= set(reader.acknowledged))
    poison = [record for record in reader.handled if record.fault]
    assert [record.fault for record in poison] == ["not_utf8", "not_an_event", "tombstone"]
    await reader.end()
    assert await rig.committed() == 23


async def test_a_topic_that_is_missing_is_named_and_waited_for(kafka: KafkaServer) -> None:
    rig = Rig(kafka)
    with structlog.testing.capture_logs() as logs:
        reader = rig.reader()
        await until(lambda: any("topics that do not exist" in str(line) for line in logs))
        await asyncio.sleep(1)
        assert not reader.feed.ready(rig.group)
        assert len(logs) <= 5
    assert rig.topic in str(logs)
    await rig.make(partitions=1)
    await rig.send(range(3))
    await until(lambda: set(reader.acknowledged) == every(3))
    assert reader.feed.ready(rig.group)
    await rig.close()


async def test_a_member_without_a_partition_is_ready(kafka: KafkaServer) -> None:
    async with opened(kafka, partitions=1) as rig:
        readers = [rig.reader() for _ in range(2)]
        await until(lambda: all(reader.feed.ready(rig.group) for reader in readers))


async def test_a_broker_that_is_killed_or_halted_delays_and_loses_nothing(own_kafka: KafkaServer) -> None:
    async with opened(own_kafka, partitions=2) as rig:
        reader = rig.reader()
        await rig.send(range(50))
        await until(lambda: len(set(reader.acknowledged)) >= 10)
        await asyncio.to_thread(own_kafka.kill)
        await until(lambda: reader.feed.silence(rig.group) > timedelta(seconds=1))
        await asyncio.to_thread(own_kafka.start)
        await rig.send(range(50, 100))
        await until(lambda: set(reader.acknowledged) == every(100))
        own_kafka.pause()
        await until(lambda: not reader.feed.ready(rig.group))  # three sessions without an answer
        own_kafka.resume()
        await rig.send(range(100, 120))
        await until(lambda: set(reader.acknowledged) == every(120))
        await until(lambda: reader.feed.ready(rig.group) and reader.feed.lag(rig.group) == 0)


async def test_the_lag_is_what_is_not_acknowledged(kafka: KafkaServer) -> None:
    async with opened(kafka, partitions=1) as rig:
        reader = rig.reader(most=4)
        reader.may_end.clear()
        await rig.send(range(10))
        await until(lambda: reader.feed.lag(rig.group) == 10)
        reader.may_end.set()
        await until(lambda: reader.feed.lag(rig.group) == 0)
