"""How far a group is behind, from the brokers themselves; while they are away, unread since they last answered."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.demo.kafka_server import KafkaServer
from services.storage.kafka_connection import KafkaConnection
from services.storage.kafka_lag import Behind, Lag, Lags
from services.storage.kafka_sender import KafkaSender
from services.storage.kafka_topics import Topic, create_topics
from services.storage.records import Record

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
P, Q = TopicPartition("t", 0), TopicPartition("t", 1)


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def later(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


def test_a_group_is_behind_since_what_it_has_not_read_was_seen() -> None:
    behind, clock = Behind(), Clock()
    assert behind.look(ends={P: 3, Q: 0}, committed={P: 3}, now=clock()) == Lag(records=0, since=None)
    first = clock.later(10)
    assert behind.look(ends={P: 5, Q: 0}, committed={P: 3}, now=first) == Lag(records=2, since=first)
    second = clock.later(10)
    assert behind.look(ends={P: 9, Q: 1}, committed={P: 4}, now=second) == Lag(records=6, since=first)
    third = clock.later(10)
    assert behind.look(ends={P: 9, Q: 1}, committed={P: 5}, now=third) == Lag(records=5, since=second)
    assert behind.look(ends={P: 9, Q: 1}, committed={P: 9, Q: 1}, now=clock.later(9)) == Lag(
        records=0, since=None
    )


def test_a_group_that_never_reads_is_behind_since_the_beginning() -> None:
    behind, clock = Behind(), Clock()
    for n in range(500):
        lag = behind.look(ends={P: n + 1}, committed={}, now=clock.later(1))
    assert lag == Lag(records=500, since=NOW + timedelta(seconds=1))
    assert len(behind._seen) <= 200


@pytest.mark.integration
@pytest.mark.needs("kafka")
async def test_the_lag_of_a_group_is_what_it_has_not_committed(own_kafka: KafkaServer) -> None:
    connection = KafkaConnection(servers=own_kafka.servers)
    name, group = f"lag.{uuid4().hex}", "classify"
    await create_topics(
        connection, [Topic(name=name, partitions=2, replication=1, config={"cleanup.policy": "delete"})]
    )
    sender = KafkaSender(connection)
    records = [
        Record(topic=name, event_id=f"e-{n}", key=f"k-{n}", payload="{}", position=n) for n in range(10)
    ]
    assert len((await sender.send(records, now=NOW)).published) == 10
    await sender.close()
    clock = Clock()
    lags = Lags(connection, clock=clock)
    assert await lags.of(group, [name]) == Lag(records=10, since=NOW)
    clock.later(1)
    assert await lags.of(group, [name]) == Lag(records=10, since=NOW)  # kept for a moment
    consumer = AIOKafkaConsumer(
        name,
        bootstrap_servers=own_kafka.servers,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    read = 0
    while read < 10:
        read += sum(map(len, (await consumer.getmany(timeout_ms=1000)).values()))
    await consumer.commit()
    await consumer.stop()
    answered = clock.later(10)
    assert await lags.of(group, [name]) == Lag(records=0, since=None)
    own_kafka.pause()
    clock.later(60)
    assert await lags.of(group, [name]) == Lag(records=0, since=answered)
    own_kafka.resume()
    clock.later(60)
    assert await lags.of(group, [name]) == Lag(records=0, since=None)
    await lags.close()
