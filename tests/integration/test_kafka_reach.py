"""How far a group has read, as the brokers say: asked also by who holds nothing, and by a client that is replaced."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from aiokafka.errors import KafkaConnectionError

from services.demo.kafka_server import KafkaServer
from services.errors import Transient
from services.storage.kafka_connection import KafkaConnection
from services.storage.kafka_reach import Reach, Reaches
from services.storage.kafka_topics import Topic, create_topics

pytestmark = [pytest.mark.integration, pytest.mark.needs("kafka")]


@pytest.fixture
async def reaches(kafka: KafkaServer) -> AsyncIterator[Reaches]:
    topic = f"reach.{uuid4().hex}"
    connection = KafkaConnection(servers=kafka.servers)
    wanted = Topic(name=topic, partitions=1, replication=1, config={"cleanup.policy": "delete"})
    await create_topics(connection, [wanted])
    made = Reaches(connection.options(), group=topic, topics=[topic])
    yield made
    await made.close()


async def test_a_group_that_never_read_is_at_the_beginning(reaches: Reaches) -> None:
    one = (reaches._topics[0], 0)
    assert await reaches.of([one]) == {one: Reach(committed=0, end=0)}


async def test_who_holds_nothing_learns_that_the_brokers_answer(reaches: Reaches) -> None:
    assert await reaches.of([]) == {}


async def test_who_holds_nothing_learns_that_a_topic_is_missing(kafka: KafkaServer) -> None:
    reaches = Reaches(KafkaConnection(servers=kafka.servers).options(), group="g", topics=["there.is.none"])
    with pytest.raises(Transient, match=r"do not exist: there\.is\.none"):
        await reaches.of([])
    await reaches.close()


@pytest.mark.parametrize("partitions", [[], [("alerts.v1", 0)]])
async def test_brokers_that_are_away_are_no_answer(partitions: list[tuple[str, int]]) -> None:
    away = Reaches(KafkaConnection(servers="127.0.0.1:1").options(), group="g", topics=["alerts.v1"])
    with pytest.raises(Transient, match="does not answer"):
        await away.of(partitions)
    await away.close()


async def test_a_client_that_does_not_answer_is_replaced(reaches: Reaches) -> None:
    one = (reaches._topics[0], 0)
    await reaches.of([one])
    assert reaches._client is not None
    reaches._client.end_offsets = _refused  # it stands still for good
    with pytest.raises(Transient):
        await reaches.of([one])
    assert await reaches.of([one]) == {one: Reach(committed=0, end=0)}


async def _refused(*_asked: object) -> None:
    raise KafkaConnectionError
