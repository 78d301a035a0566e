"""A partition whose batch does not leave holds up its own records only."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError, UnknownTopicOrPartitionError
from aiokafka.partitioner import DefaultPartitioner

from services.storage.kafka_connection import KafkaConnection
from services.storage.kafka_sender import KafkaSender
from services.storage.records import Record

PARTITIONS = 3


def partition_of(key: bytes) -> int:
    every = list(range(PARTITIONS))
    number: int = DefaultPartitioner()(key, every, every)
    return number


class Producer:
    """A producer whose partition 0 of alerts.v1 takes nothing; absent.v1 is not there."""

    def __init__(self) -> None:
        self.waited = 0
        self.client = self

    async def partitions_for(self, topic: str) -> set[int]:
        if topic == "absent.v1":
            raise UnknownTopicOrPartitionError
        return set(range(PARTITIONS))

    async def send(self, topic: str, *, key: bytes, **_: Any) -> asyncio.Future[None]:
        if topic == "absent.v1":
            raise UnknownTopicOrPartitionError
        if topic == "alerts.v1" and partition_of(key) == 0:
            self.waited += 1
            raise KafkaTimeoutError
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


async def test_what_a_full_partition_does_not_take_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    sender = KafkaSender(KafkaConnection(servers="127.0.0.1:1"))
    producer = Producer()
    monkeypatch.setattr(sender, "_producer", producer)
    topics = ("alerts.v1", "absent.v1", "deliveries.v1")
    records = [
        Record(topic=topics[n % 3], event_id=f"e-{n}", key=f"k-{n}", payload="{}", position=n)
        for n in range(90)
    ]
    sent = await sender.send(records, now=datetime.now(UTC))
    dead = [one for one in records if one.topic == "alerts.v1" and partition_of(one.key.encode()) == 0]
    absent = [one for one in records if one.topic == "absent.v1"]
    assert len(dead) > 1
    assert {one.event_id for one in sent.failed} == {one.event_id for one in dead + absent}
    assert len(sent.published) == len(records) - len(dead) - len(absent)
    assert producer.waited == 1
